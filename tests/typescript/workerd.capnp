# Cloudflare's runtime with one worker, which `workerd test` runs, and the network of this machine.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.bundle.mjs")],
  compatibilityDate = "2026-01-01",
  compatibilityFlags = ["nodejs_compat"],  # for the tests; the client needs none
  bindings = [
    (name = "CASES", fromEnvironment = "CASES"),
    (name = "MOCK_URL", fromEnvironment = "MOCK_URL"),
    (name = "RUNTIME", fromEnvironment = "RUNTIME"),
  ],
);
