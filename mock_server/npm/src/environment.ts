/** Environment variables that point clients to a mock, and restore what was there before. */

const LOOPBACK = "127.0.0.1";

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the variables that exclude the mock from proxies. Empty if the environment names no proxy. */
export function withoutProxy(environment: Environment): Record<string, string> {
  const proxies = Object.entries(environment).filter(([name]) => ["http_proxy", "all_proxy"].includes(name.toLowerCase()));
  const known = environment["no_proxy"] || environment["NO_PROXY"] || "";
  if (!proxies.some(([, value]) => value) || known.trim() === "*") {
    return {};
  }
  const names = known.split(",").map((name) => name.trim());
  const all = names.includes(LOOPBACK) || !known ? known || LOOPBACK : `${known},${LOOPBACK}`;
  return { NO_PROXY: all, no_proxy: all };
}

/** Sets variables in `process.env`. Returns a function that restores those that nothing else changed since. */
export function setVariables(variables: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (process.env[name] !== variables[name]) {
        continue;
      }
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  };
}
