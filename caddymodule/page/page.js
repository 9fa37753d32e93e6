// The live page: it shows each Status that Caddy sends, and says when none comes any more.

import {Chart, charts, History} from './charts.js';
import {appColumns, missColumns, storeColumns} from './columns.js';
import {clock, count, decisions, inWords, moment, put, reasons, shortly, show, span} from './format.js';
import {modesOf, showPanels, showVerdict} from './panels.js';
import {open as openPurge, showApps} from './purge.js';
import {showStorages} from './storages.js';
import {LiveTable} from './table.js';

const late = 7000; // ms without a Status, which comes every two seconds, until the connection counts as lost
const dead = 20_000; // ms, until another one is made

const at = id => document.getElementById(id);
const tableIn = (id, options) => new LiveTable(at(id).querySelector('.table'), {key: keyOf, ...options});
const keyOf = item => [item.app, item.namespace, item.mode, item.id].join('\n');
const bySaved = {id: 'saved', descending: true};

const histories = {live: new History(), dry_run: new History()};
const drawn = charts.map(chart => new Chart(document.querySelector('.charts'), chart));
const apps = tableIn('apps', {label: 'Apps', noun: 'apps', columns: appColumns, sort: bySaved});
const stores = tableIn('stores', {label: 'Stores', noun: 'Stores', columns: storeColumns(openPurge), sort: bySaved});
const misses = tableIn('misses', {label: 'Recent misses', noun: 'misses', columns: missColumns,
	sort: {id: 'when', descending: true}, first: 10, key: miss => miss.key});

let status = null; // the last one
let since = ''; // when its counting began
let source; // the EventSource
let told; // when the last Status came
let heard = Date.now(); // the same, or when the connection was begun

// Showing

const render = () => {
	const live = document.body.dataset.state === 'live';
	show(at('empty'), status.apps.length === 0);
	show(at('seen'), status.apps.length > 0);
	show(at('misses'), status.apps.length > 0);
	put(at('clock'), `${moment(new Date(status.now))} · counting since ${moment(new Date(status.since))}, for ${
		span(new Date(status.now) - new Date(status.since))}`);
	showVerdict(at('verdict'), status, !live && clock(told));
	showPanels(status, histories, live);
	const [mode, other] = modesOf(status);
	put(at('charts-of'), other ? 'of the apps that are live, as long as this page has been open' : 'as long as this page has been open');
	for (const chart of drawn) chart.update(histories[mode], new Date(status.now) / 1000, live);
	showTables();
	showStorages(status.storages, live);
	showApps(status.apps);
};

const showTables = () => {
	show(at('apps'), status.apps.length > 1);
	apps.update(status.apps);
	document.body.dataset.apps = status.apps.length === 1 ? 'one' : 'several';
	tellCount(stores.update(allStores()));
	show(at('no-misses'), status.misses.length === 0);
	show(at('misses').querySelector('.table'), status.misses.length > 0);
	misses.update(keyed(status.misses));
};

const allStores = () => status.apps.flatMap(({app, namespace, mode, stores}) =>
	stores.map(store => ({...store, app, namespace, mode})));

// keyed gives each miss a key: several may be alike, and the list grows at its front.
const keyed = list => {
	const alike = new Map();
	return list.toReversed().map(miss => {
		const text = JSON.stringify(miss);
		alike.set(text, (alike.get(text) ?? 0) + 1);
		return {...miss, key: `${text} ${alike.get(text)}`};
	});
};

// Filtering

const textOf = store => [store.id, shortly(store), store.storage_type, inWords(decisions, store.decision), inWords(reasons, store.reason)]
	.join(' ').toLowerCase();

const sought = () => at('filter').value.trim().toLowerCase();

const tellCount = shown => {
	const all = allStores().length;
	put(at('stores-count'), sought() ? `${count(shown)} of ${count(all)}` : count(all));
	if (!sought() || shown > 0) show(at('similar'), false);
	return shown;
};

// similar asks which ids look like the one that was sought and not found.
const similar = async id => {
	let ids = [];
	try {
		ids = (await (await fetch(`store?${new URLSearchParams({id})}`)).json()).similar ?? [];
	} catch {
		// then there is nothing to add
	}
	if (id !== at('filter').value.trim()) return; // something else is sought by now
	show(at('similar'), true, `No Store that has been seen is called ${id}.${ids.length > 0 ? ` Similar: ${ids.join(', ')}` : ''}`);
};

let asking;
at('filter').addEventListener('input', () => {
	if (!status) return;
	clearTimeout(asking);
	const shown = tellCount(stores.filter(store => textOf(store).includes(sought())));
	if (shown === 0 && sought()) asking = setTimeout(similar, 300, at('filter').value.trim());
});

at('purge-open').addEventListener('click', () => openPurge());

// The connection

const connect = () => {
	heard = Date.now();
	source?.close();
	source = new EventSource('events');
	source.onmessage = event => receive(JSON.parse(event.data));
	source.onerror = lose;
};

const receive = next => {
	status = next;
	told = new Date();
	heard = Date.now();
	if (status.since !== since) for (const mode in histories) histories[mode] = new History();
	since = status.since;
	for (const mode in histories) histories[mode].add(new Date(status.now) / 1000, status[mode]);
	document.body.dataset.state = 'live';
	put(at('connection'), 'Live');
	render();
};

// lose says once that the connection is lost. What stands on the page then looks it.
const lose = () => {
	if (document.body.dataset.state === 'lost') return;
	document.body.dataset.state = 'lost';
	put(at('connection'), status ? `Connection lost: no news since ${clock(told)}. Trying again…`
		: 'Caddy cannot be reached. Trying again…');
	if (status) render();
	if (source.readyState === EventSource.CLOSED) askWhy();
};

// askWhy adds what Caddy says instead of sending a Status, if anything: that no dash_stash is configured, say.
const askWhy = async () => {
	try {
		const answer = await fetch('status');
		const {error} = await answer.json();
		if (error && document.body.dataset.state === 'lost') put(at('connection'), `Caddy says: ${error}`);
	} catch {
		// it cannot be reached: that is said already
	}
};

// A connection that an error has ended for good, or that nothing comes of, is made anew; others the browser makes anew itself.
setInterval(() => {
	const silent = Date.now() - heard;
	if (silent > late) lose();
	if (silent > dead || (silent > 2000 && source.readyState === EventSource.CLOSED)) connect();
}, 1000);

connect();
