/** Starts the page. */
import { mount } from 'svelte';
import './look/tokens.css';
import './look/base.css';
import App from './App.svelte';
import { startTheme } from './app/theme.svelte.ts';

startTheme();
const target = document.getElementById('app');
if (target) mount(App, { target });
