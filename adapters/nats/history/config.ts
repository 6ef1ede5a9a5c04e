/**
 * The configuration of the stream of histories.
 *
 * @module
 */

import type { Subjects } from "../subject.ts";

/** The settings of the stream. */
export interface StreamSettings {
  /** Its name. */
  readonly name: string;
  readonly subjects: Subjects;
  /** Where it keeps its messages. `undefined`: as the stream is, or in files for a new stream. */
  readonly storage: "file" | "memory" | undefined;
  /** The number of servers. `undefined`: as the stream is, or one for a new stream. */
  readonly replicas: number | undefined;
  /** Its size, in bytes. `undefined`: as the stream is, or {@linkcode DEFAULT_MAX_BYTES} for a new stream. */
  readonly maxBytes: number | undefined;
  /** Whether the server publishes kept messages to the nodes that listen. */
  readonly publishes: boolean;
}

/** The size of a new stream, unless the user sets it. */
export const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** A stream's configuration, in the form of the API. */
export interface StreamConfig {
  readonly name: string;
  readonly subjects?: readonly string[];
  readonly storage?: string;
  readonly retention?: string;
  readonly discard?: string;
  readonly max_age?: number;
  readonly max_msgs?: number;
  readonly max_bytes?: number;
  readonly max_msgs_per_subject?: number;
  readonly num_replicas?: number;
  readonly allow_direct?: boolean;
  readonly deny_purge?: boolean;
  readonly sealed?: boolean;
  readonly mirror?: object;
  readonly sources?: readonly object[];
  readonly republish?: { readonly src?: string; readonly dest?: string };
}

/** The subjects that the stream keeps. */
export const everything = (subjects: Subjects): string => `${subjects.aside("log")}.>`;

function republishOf(subjects: Subjects): { readonly src: string; readonly dest: string } {
  return {
    src: `${subjects.aside("log")}.*.*`,
    dest: `${subjects.aside("new")}.{{wildcard(1)}}.{{wildcard(2)}}`,
  };
}

/**
 * The configuration of a new stream. It never drops the newest message of a subject, because that message holds the
 * count.
 *
 * @param settings The settings.
 */
export function configOf(
  { name, subjects, storage, replicas, maxBytes, publishes }: StreamSettings,
): StreamConfig {
  return {
    name,
    subjects: [everything(subjects)],
    storage: storage ?? "file",
    retention: "limits",
    discard: "new",
    max_age: 0,
    max_msgs: -1,
    max_bytes: maxBytes ?? DEFAULT_MAX_BYTES,
    max_msgs_per_subject: -1,
    num_replicas: replicas ?? 1,
    allow_direct: true,
    ...(publishes && { republish: republishOf(subjects) }),
  };
}

/**
 * Finds out why an existing stream cannot be used.
 *
 * @param config Its configuration.
 * @param settings The settings.
 * @returns What is wrong and what it should be; `undefined` if it can be used.
 */
export function misfit(config: StreamConfig, settings: StreamSettings): string | undefined {
  const { storage, replicas, maxBytes, subjects, publishes } = settings;
  const wanted = everything(subjects);
  const { src, dest } = republishOf(subjects);
  const rules: readonly (readonly [fits: boolean, what: string])[] = [
    [(config.subjects ?? []).includes(wanted), `its subjects must be ${wanted}`],
    [!config.mirror && !config.sources?.length, "it must not be a mirror, nor have sources"],
    [(config.retention ?? "limits") === "limits", "its retention must be limits"],
    [config.discard === "new", "its discard policy must be new: old would drop the counts of topics"],
    [!config.max_age, "it must have no max_age: messages expire by the contract"],
    [(config.max_msgs ?? -1) <= 0, "it must have no max_msgs"],
    [(config.max_msgs_per_subject ?? -1) <= 0, "it must have no max_msgs_per_subject"],
    [!config.deny_purge && !config.sealed, "it must not be sealed, nor deny purges"],
    [
      !publishes || (config.republish?.src === src && config.republish.dest === dest),
      `it must republish ${src} to ${dest}`,
    ],
    [storage === undefined || config.storage === storage, `its storage is ${config.storage}, not ${storage}`],
    [
      replicas === undefined || config.num_replicas === replicas,
      `it has ${config.num_replicas} replicas, not ${replicas}`,
    ],
    [
      maxBytes === undefined || config.max_bytes === maxBytes,
      `its max_bytes are ${config.max_bytes}, not ${maxBytes}`,
    ],
  ];
  return rules.find(([fits]) => !fits)?.[1];
}
