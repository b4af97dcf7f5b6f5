/** The part of node:test that the tests use, for a runtime without it. `found` contains the tests by name. */

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
