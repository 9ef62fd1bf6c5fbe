/** A program of ES modules. */
import { pathToFileURL } from 'node:url';
import { besideHook, use } from './use.cjs';

await use((name) => import(name === 'mongodb' ? pathToFileURL(besideHook(name)) : name));
