/**
 * The Standard Schema interface (https://standardschema.dev, version 1), kept structural so that any validator
 * that implements it (zod, valibot, arktype, ...) fits without Trunkline importing one.
 *
 * @module
 */

/** A value that failed validation: what is wrong, and where. */
export interface SchemaIssue {
  /** What is wrong, for a person. */
  readonly message: string;
  /** Where in the value, from the outside in; absent for the value itself. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** What a schema answers: the parsed value, or the issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<SchemaIssue> };

/** The properties that a Standard Schema carries under `~standard`. */
export interface SchemaProps<Input = unknown, Output = Input> {
  /** The version of the interface. */
  readonly version: 1;
  /** The library that made the schema, as it names itself. */
  readonly vendor: string;
  /** Parses a value; may answer later. */
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** The types, for the compiler only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/**
 * Any validator that implements Standard Schema: zod, valibot, arktype and many more.
 *
 * @typeParam Input What the schema accepts.
 * @typeParam Output What parsing yields.
 */
export interface Schema<Input = unknown, Output = Input> {
  /** The Standard Schema properties. */
  readonly "~standard": SchemaProps<Input, Output>;
}

/**
 * A schema that answers at once. Of libraries whose schemas say so in their types (valibot) an asynchronous one is a type error;
 * with others it is told of at the first value.
 */
export interface SyncSchema extends Schema {
  /** Whether it is asynchronous, where its library says so. */
  readonly async?: false;
}

/** What a schema accepts. */
export type InputOf<S> = S extends
  { readonly "~standard": { readonly types?: { readonly input: infer I } | undefined } } ? I
  : never;

/** What a schema yields. */
export type OutputOf<S> = S extends
  { readonly "~standard": { readonly types?: { readonly output: infer O } | undefined } } ? O
  : never;
