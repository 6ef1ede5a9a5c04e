/**
 * The database function that stores messages and notifies of them, in one step.
 *
 * @module
 */

/**
 * Stores messages: the messages of one topic one after the other, and topics in the order of their names. So
 * transactions that wait for each other's topics cannot form a circle. Returns a row for each message, in order:
 * `EPOCH.OFFSET`, and whether its key was known. Returns NULL if a transaction of a user holds the topic.
 *
 * A transaction of a user (`within`) takes an exclusive advisory lock on its topics. All others take a shared lock, and
 * do not wait if they cannot get it. So a statement waits for the row of a topic only while other statements run, not
 * while a user's transaction stays open.
 *
 * The row of a topic is locked until the commit. So offsets become visible in order, and no reader sees a hole.
 */
export const appendFunction = (schema: string): string =>
  `CREATE OR REPLACE FUNCTION ${schema}.history_append_v4(
  root_ text, within boolean, lock_ms text, forget_ms double precision, from_ text, fresh text,
  names text[], sizes text[], ttls text[], keys text[], kinds text[], channels text[],
  counts text[], briefs text[], heads_ text[], pieces text[]
) RETURNS TABLE ("position" text, known text) LANGUAGE plpgsql AS $fn$
#variable_conflict use_column
DECLARE
  h record;
  place_ text;
  seed_ text;
  name_ text;
  busy boolean := false;
  now_ timestamptz;
  until_ timestamptz;
  forget_ timestamptz;
  offset_ bigint;
  size_ bigint;
  p integer := 1;
  n integer;
  total integer := cardinality(names);
  waits text := current_setting('lock_timeout');
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'local', true); -- what is answered is kept
  END IF;
  FOR i IN 1..2 LOOP
    SELECT id || '/' || ${schema}.history_place_v1() INTO place_ FROM ${schema}.history_stores WHERE root = root_;
    EXIT WHEN FOUND;
    INSERT INTO ${schema}.history_stores (root, id, seed) VALUES (root_, fresh, fresh) ON CONFLICT (root) DO NOTHING;
  END LOOP;
  FOR i IN 1..total LOOP
    IF names[i] IS DISTINCT FROM name_ THEN
      name_ := names[i];
      IF within THEN
        PERFORM set_config('lock_timeout', lock_ms, true);
        PERFORM pg_advisory_xact_lock(hashtextextended(root_ || name_, 0));
      ELSE
        busy := NOT pg_try_advisory_xact_lock_shared(hashtextextended(root_ || name_, 0));
      END IF;
      IF NOT busy THEN
        SELECT * INTO h FROM ${schema}.history_heads WHERE root = root_ AND name = name_ FOR UPDATE;
        IF NOT FOUND THEN
          -- A brief topic is forgotten without a new seed: it begins in an epoch of its own.
          IF briefs[i] = 'true' THEN seed_ := fresh;
          ELSE SELECT seed INTO seed_ FROM ${schema}.history_stores WHERE root = root_ FOR SHARE;
          END IF;
          INSERT INTO ${schema}.history_heads (root, name, place, epoch, brief)
            VALUES (root_, name_, place_, ${schema}.history_hash_v1(seed_ || place_), briefs[i] = 'true')
            ON CONFLICT (root, name) DO NOTHING;
          SELECT * INTO STRICT h FROM ${schema}.history_heads WHERE root = root_ AND name = name_ FOR UPDATE;
        END IF;
        IF h.place <> place_ THEN
          DELETE FROM ${schema}.history_records WHERE head = h.id;
          UPDATE ${schema}.history_heads SET place = place_, epoch = ${schema}.history_hash_v1(h.epoch || place_),
              first = 1, last = 0, ttl = '', ends = '-infinity', due = 'infinity', forget = 'infinity', at = '-infinity'
            WHERE id = h.id RETURNING * INTO h;
        END IF;
        now_ := clock_timestamp();
      END IF;
      IF within THEN PERFORM set_config('lock_timeout', waits, true); END IF;
    END IF;
    n := counts[i];
    offset_ := NULL;
    IF busy THEN
      RETURN QUERY SELECT NULL::text, NULL::text;
    ELSE
      IF keys[i] <> '' THEN
        SELECT "offset", until INTO offset_, until_ FROM ${schema}.history_records WHERE head = h.id AND key = keys[i];
        IF until_ <= now_ AND offset_ IS NOT NULL THEN -- it has expired, as all before it: its key is free
          DELETE FROM ${schema}.history_records WHERE head = h.id AND "offset" = offset_;
          offset_ := NULL;
        END IF;
      END IF;
      IF offset_ IS NOT NULL THEN
        RETURN QUERY SELECT h.epoch || '.' || offset_, 'true';
      ELSE
        until_ := CASE WHEN ttls[i] = '' THEN 'infinity' ELSE now_ + ttls[i]::double precision * interval '1 ms' END;
        IF ttls[i] = h.ttl THEN
          until_ := greatest(until_, h.ends); -- the clock went back
        ELSIF until_ < h.ends THEN
          -- Nobody may find a hole: what is older does not outlive what is newer.
          UPDATE ${schema}.history_records SET until = until_ WHERE head = h.id AND until > until_;
          IF NOT h.brief THEN h.due := least(h.due, until_); END IF;
        END IF;
        IF h.first > h.last AND NOT h.brief THEN h.due := until_; END IF; -- brief ones go whole
        h.at := greatest(now_, h.at); -- nothing is older than what came before it
        h.last := h.last + 1;
        h.ttl := ttls[i];
        h.ends := until_;
        INSERT INTO ${schema}.history_records (head, "offset", at, until, key, data) VALUES (
          h.id, h.last, h.at, until_, NULLIF(keys[i], ''),
          kinds[i] || CASE WHEN n = 1 THEN pieces[p] ELSE array_to_string(pieces[p:p + n - 1], '') END);
        IF channels[i] <> '' THEN
          PERFORM pg_notify(channels[i], heads_[p] || 'TH1' || h.epoch || '.' || h.last || ':TL1' || kinds[i] || from_ ||
            pieces[p]);
          FOR q IN p + 1..p + n - 1 LOOP
            PERFORM pg_notify(channels[i], heads_[q] || pieces[q]);
          END LOOP;
        END IF;
        RETURN QUERY SELECT h.epoch || '.' || h.last, 'false';
      END IF;
    END IF;
    p := p + n;
    IF NOT busy AND (i = total OR names[i + 1] <> name_) THEN
      size_ := sizes[i];
      -- By many at once: each single one would have to look past those that were removed before it.
      IF h.last - h.first >= size_ + size_ / 8 + 16 THEN
        h.first := h.last - size_ + 1;
        DELETE FROM ${schema}.history_records WHERE head = h.id AND "offset" < h.first;
        IF NOT h.brief THEN
          SELECT until INTO h.due FROM ${schema}.history_records WHERE head = h.id AND "offset" = h.first;
        END IF;
      END IF;
      forget_ := CASE WHEN h.brief THEN h.ends ELSE now_ + forget_ms * interval '1 ms' END;
      IF h.ends < 'infinity' THEN forget_ := greatest(forget_, h.ends); END IF;
      -- An index has it: a little too late does as well, but nothing is forgotten that has not expired.
      IF h.forget = 'infinity' OR forget_ < h.forget OR (forget_ - h.forget) * 16 > forget_ - now_ OR
          h.ends < 'infinity' AND h.forget < h.ends THEN
        h.forget := forget_;
      END IF;
      UPDATE ${schema}.history_heads SET first = h.first, last = h.last, ttl = h.ttl, ends = h.ends, due = h.due,
          forget = h.forget, at = h.at WHERE id = h.id;
    END IF;
  END LOOP;
END $fn$`;
