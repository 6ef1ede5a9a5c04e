/**
 * The database functions that read histories, and remove expired messages.
 *
 * @module
 */

/**
 * Computes an epoch from the state before it. All nodes get the same epoch, and it is stored only when a message is
 * appended in it.
 */
export const HASH = (schema: string): string =>
  `CREATE OR REPLACE FUNCTION ${schema}.history_hash_v1(what text) RETURNS text LANGUAGE sql IMMUTABLE AS $fn$
  SELECT substr(encode(sha256(convert_to(what, 'UTF8')), 'hex'), 1, 32)
$fn$`;

/**
 * The identity of the database's timeline. Every event that may have lost messages changes it: another cluster, another
 * timeline (a promoted standby, a recovery to a point in time) and new tables. Each start of a server with `fsync` off
 * changes it too. Its text does not depend on settings of the session, such as the time zone.
 */
export const PLACE = (schema: string): string =>
  `CREATE OR REPLACE FUNCTION ${schema}.history_place_v1() RETURNS text LANGUAGE sql STABLE AS $fn$
  SELECT (SELECT system_identifier FROM pg_control_system()) || '/' ||
    left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' || '${schema}.history_heads'::regclass::oid ||
    CASE WHEN current_setting('fsync') = 'on' THEN ''
      ELSE '/' || (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint END
$fn$`;

/** The age of a record, in milliseconds. */
const AGE = "floor(extract(epoch FROM greatest(now_ - r.at, interval '0')) * 1000)::text";

/**
 * Reads a topic at one moment. The first row has the position, the others are records. No row: the prefix was never
 * used.
 */
export const readFunction = (schema: string): string =>
  `CREATE OR REPLACE FUNCTION ${schema}.history_read_v2(
  root_ text, name_ text, since_epoch text, since_offset bigint, limit_ bigint, backwards boolean
) RETURNS TABLE (epoch text, "offset" text, data text, age text) LANGUAGE plpgsql STABLE AS $fn$
#variable_conflict use_column
DECLARE
  s record;
  h record;
  now_ timestamptz := clock_timestamp();
  epoch_ text;
  first_ bigint := 1;
  last_ bigint := 0;
  complete boolean;
BEGIN
  SELECT seed, id || '/' || ${schema}.history_place_v1() AS place INTO s
    FROM ${schema}.history_stores WHERE root = root_;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT * INTO h FROM ${schema}.history_heads WHERE root = root_ AND name = name_;
  IF NOT FOUND THEN
    epoch_ := ${schema}.history_hash_v1(s.seed || s.place);
  ELSIF h.place <> s.place THEN
    epoch_ := ${schema}.history_hash_v1(h.epoch || s.place);
  ELSE
    epoch_ := h.epoch;
    last_ := h.last;
    first_ := coalesce(
      (SELECT r."offset" FROM ${schema}.history_records r
        WHERE r.head = h.id AND r."offset" >= h.first AND r.until > now_ ORDER BY r."offset" LIMIT 1),
      last_ + 1);
  END IF;
  complete := since_epoch = '' OR (since_epoch = epoch_ AND since_offset BETWEEN first_ - 1 AND last_);
  RETURN QUERY SELECT epoch_, last_::text, complete::text, NULL::text;
  IF last_ = 0 OR limit_ = 0 THEN RETURN; END IF;
  IF complete AND since_epoch <> '' THEN first_ := since_offset + 1; END IF;
  IF backwards THEN
    RETURN QUERY SELECT NULL::text, r."offset"::text, r.data, ${AGE} FROM ${schema}.history_records r
      WHERE r.head = h.id AND r."offset" >= first_ ORDER BY r."offset" DESC LIMIT NULLIF(limit_, -1);
  ELSE
    RETURN QUERY SELECT NULL::text, r."offset"::text, r.data, ${AGE} FROM ${schema}.history_records r
      WHERE r.head = h.id AND r."offset" >= first_ ORDER BY r."offset" LIMIT NULLIF(limit_, -1);
  END IF;
END $fn$`;

/**
 * Removes expired messages and unused topics, a portion of each. One node does it at a time; a second one does nothing.
 * When a topic is forgotten, all topics without messages get another epoch. Else a returning client could take the
 * forgotten topic for one that was never used. No client returns to brief topics.
 */
export const sweepFunction = (schema: string): string =>
  `CREATE OR REPLACE FUNCTION ${schema}.history_sweep_v2(root_ text, seed_ text) RETURNS TABLE (gone text)
LANGUAGE plpgsql AS $fn$
#variable_conflict use_column
DECLARE
  h record;
  r_ record;
  now_ timestamptz := clock_timestamp();
  n bigint;
  total bigint := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('trunkline history sweep ' || root_, 0)) THEN RETURN; END IF;
  FOR h IN SELECT id, last FROM ${schema}.history_heads WHERE root = root_ AND due <= now_
    ORDER BY due LIMIT 100 FOR UPDATE SKIP LOCKED
  LOOP
    DELETE FROM ${schema}.history_records WHERE head = h.id AND until <= now_ AND "offset" <= (
      SELECT max(o."offset") FROM (
        SELECT "offset" FROM ${schema}.history_records WHERE head = h.id ORDER BY "offset" LIMIT 1000
      ) o
    );
    GET DIAGNOSTICS n = ROW_COUNT;
    total := total + n;
    SELECT "offset", until INTO r_ FROM ${schema}.history_records WHERE head = h.id ORDER BY "offset" LIMIT 1;
    IF FOUND THEN
      UPDATE ${schema}.history_heads SET first = r_."offset", due = r_.until WHERE id = h.id;
    ELSE
      UPDATE ${schema}.history_heads SET first = h.last + 1, due = 'infinity' WHERE id = h.id;
    END IF;
    EXIT WHEN total >= 1000;
  END LOOP;
  FOR h IN SELECT id FROM ${schema}.history_heads WHERE root = root_ AND forget <= now_ AND brief
    ORDER BY forget LIMIT 500 FOR UPDATE SKIP LOCKED
  LOOP
    DELETE FROM ${schema}.history_records WHERE head = h.id;
    DELETE FROM ${schema}.history_heads WHERE id = h.id;
    total := total + 1;
  END LOOP;
  PERFORM 1 FROM ${schema}.history_heads WHERE root = root_ AND forget <= now_ AND NOT brief LIMIT 1;
  IF FOUND THEN
    PERFORM 1 FROM ${schema}.history_stores WHERE root = root_ FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
      n := 0;
      FOR h IN SELECT id FROM ${schema}.history_heads WHERE root = root_ AND forget <= now_ AND NOT brief
        ORDER BY forget LIMIT 20 FOR UPDATE SKIP LOCKED
      LOOP
        DELETE FROM ${schema}.history_records WHERE head = h.id;
        DELETE FROM ${schema}.history_heads WHERE id = h.id;
        n := n + 1;
      END LOOP;
      IF n > 0 THEN UPDATE ${schema}.history_stores SET seed = seed_ WHERE root = root_; END IF;
      total := total + n;
    END IF;
  END IF;
  RETURN QUERY SELECT total::text;
END $fn$`;
