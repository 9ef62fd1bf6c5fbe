/** A program of ES modules. */
import { use } from './use.cjs';

await use((name) => import(name));
