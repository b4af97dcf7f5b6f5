/** What the tests use of node:test, for a runtime that has no such module: `found` is the tests by their names. */

export const found = new Map();
const groups = [];

export function describe(name, ...rest) {
  groups.push(name);
  rest.at(-1)();
  groups.pop();
}

export function test(name, ...rest) {
  found.set([...groups, name].join(" > "), rest.at(-1));
}
