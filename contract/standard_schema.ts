/**
 * The Standard Schema interface (https://standardschema.dev, version 1). It is structural: every validator that
 * implements it (zod, valibot, arktype, ...) fits, and Trunkline imports none.
 *
 * @module
 */

/** Why a value failed validation, and where. */
export interface SchemaIssue {
  /** What is wrong, for a person. */
  readonly message: string;
  /** Where in the value, from the outside in. Absent for the value itself. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** The result of a schema: the parsed value, or the issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<SchemaIssue> };

/** The properties that a Standard Schema carries under `~standard`. */
export interface SchemaProps<Input = unknown, Output = Input> {
  /** The version of the interface. */
  readonly version: 1;
  /** The name of the library that made the schema. */
  readonly vendor: string;
  /** Parses a value. May return a promise. */
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** The types, for the compiler only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/**
 * Any validator that implements Standard Schema: zod, valibot, arktype and many more.
 *
 * @typeParam Input What the schema accepts.
 * @typeParam Output What parsing returns.
 */
export interface Schema<Input = unknown, Output = Input> {
  /** The Standard Schema properties. */
  readonly "~standard": SchemaProps<Input, Output>;
}

/**
 * A schema that answers at once. Some libraries (valibot) mark asynchronous schemas in their types: with these, an
 * asynchronous schema is a type error. With other libraries, the first value causes an error.
 */
export interface SyncSchema extends Schema {
  /** Whether the schema is asynchronous, if its library says so. */
  readonly async?: false;
}

/** What a schema accepts. */
export type InputOf<S> = S extends
  { readonly "~standard": { readonly types?: { readonly input: infer I } | undefined } } ? I
  : never;

/** What a schema returns. */
export type OutputOf<S> = S extends
  { readonly "~standard": { readonly types?: { readonly output: infer O } | undefined } } ? O
  : never;
