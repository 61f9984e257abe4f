export { runActivity } from '../../worker/run-activity.ts'
