/** Starts `segforge mock` for tests, and controls it: `const mock = await startMock()`. */

export { MockError } from "./admin.js";
export { type Clock, Mock } from "./mock.js";
export { type MockOptions, startMock } from "./launch.js";
export type {
  Distribution,
  LatencyOptions,
  RecordedJob,
  RecordedRequest,
  RouteName,
  ScenarioOptions,
  StubFields,
} from "./types.js";
