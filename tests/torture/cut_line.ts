/** Says a word, and half of another one. */
import process from "node:process";

process.stdout.write('{"said":"whole"}\n{"said":"ha');
setInterval(() => {}, 1_000);
