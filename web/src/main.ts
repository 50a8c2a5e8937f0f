import 'uplot/dist/uPlot.min.css'
import './tokens.css'
import './app.css'

import { mount } from 'svelte'

import App from './App.svelte'
import { book } from './lib/book.svelte.ts'

const target = document.getElementById('app')
if (!target) throw new Error('index.html has no #app')
mount(App, { target })
void book.start()
