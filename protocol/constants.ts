/** Where a control plane listens unless it is told otherwise. */
export const DEFAULT_PORT = 7700;
/** The numbers both ends of the websocket rely on. Each is explained in docs/protocol.md. */
export const PROTOCOL_VERSION = 1;
/** An agent says it lives this often; API gateways cut silent sockets at 60 s, so it is well below. */
export const HEARTBEAT_MS = 10_000;
/** Silence after which the control plane calls a box unreachable. Never ends a job by itself. */
export const UNREACHABLE_AFTER_MS = 35_000;
/** Both ends ping at this pace and terminate a socket whose pong is missing at the next ping. */
export const PING_MS = 20_000;
/** Time for the websocket handshake, and for `hello` after it. */
export const HANDSHAKE_MS = 10_000;
/** A reconnect waits a random time between these, growing (decorrelated jitter). */
export const RECONNECT_MIN_MS = 250;
export const RECONNECT_MAX_MS = 30_000;
/** Raw log bytes in one frame: base64 and JSON around it stay below 32 KiB, the smallest frame limit of the hosts we know. */
export const LOG_FRAME_BYTES = 21_000;
/** Metric points in one frame. */
export const METRIC_FRAME_POINTS = 200;
/** Log bytes sent and not yet acknowledged, for one attempt. */
export const LOG_WINDOW_BYTES = 1_048_576;
/** Largest frame either end accepts, but for `assign`. */
export const MAX_FRAME_BYTES = 262_144;
/** Largest frame an agent accepts: an `assign` carries a spec's commands and environment, and edited files. */
export const MAX_ASSIGN_BYTES = 4_194_304;
/** Telemetry samples are taken at this pace while a job runs, and with each heartbeat otherwise. */
export const TELEMETRY_MS = 5_000;
/** Editable files of code mode, all together: they travel in one frame and must fit into a model's context. */
export const MAX_EDITABLE_BYTES = 98_304;
