export { startAgent, type Agent, type AgentOptions, type AgentState } from './agent.js';
export type { AgentLog } from './agent-log.js';
export { readCredentials, type Credentials } from './credentials.js';
export { doctor, type Check, type DoctorReport } from './doctor.js';
export { enrol, type EnrolOptions } from './enrol.js';
export { boxPolicySchema, type BoxPolicy } from './policy.js';
