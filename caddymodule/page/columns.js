// The columns of the page's tables: what they show of an app, a Store and a miss, and what they are sorted by.

import {
	bytes, causes, count, counted, decisions, inWords, make, moment, none, put, reasons, seconds, shortly, show, total,
} from './format.js';
import {oneLine, twoLines} from './table.js';

const values = each => each.values;
const size = each => each.bytes;
const time = text => text ? new Date(text) : null;
const savedOf = figures => figures.saved.up + figures.saved.down;
const dry = item => item.mode === 'dry_run';

// nameOfApp writes an app, its namespace, and that it is a dry run.
const nameOfApp = (cell, item) => {
	if (!cell.firstChild) cell.append(make('span', {class: 'name'}), make('span', {class: 'chip'}, 'dry run'));
	put(cell.children[0], shortly(item));
	cell.title = shortly(item);
	show(cell.children[1], dry(item));
};

const sizeAndValues = (cell, sum) => sum.values === 0 ? twoLines(cell, none, 0, '')
	: twoLines(cell, bytes(sum.bytes), sum.bytes, counted(sum.values, 'value'));

const sumOf = inline => ({values: total(inline, values), bytes: total(inline, size)});

const missedIn = (cell, {missed}) => twoLines(cell, count(total(missed)), total(missed), Object.keys(missed ?? {}).join(', '));

export const appColumns = [
	{id: 'app', name: 'App', value: shortly, fill: nameOfApp},
	{id: 'callbacks', name: 'Callbacks', numeric: true, value: app => app.figures.callbacks,
		fill: (cell, {figures}) => oneLine(cell, count(figures.callbacks), figures.callbacks)},
	...['down', 'up'].map(direction => ({
		id: direction, name: `Bytes ${direction}`, numeric: true, value: app => app.figures[direction].with,
		fill: (cell, {figures}) => twoLines(cell, bytes(figures[direction].with), figures[direction].with,
			`${bytes(figures[direction].without)} without`),
	})),
	{id: 'saved', name: 'Saved', numeric: true, value: app => savedOf(app.figures),
		fill: (cell, {figures}) => oneLine(cell, bytes(savedOf(figures)), savedOf(figures))},
	{id: 'misses', name: 'Misses', numeric: true, value: app => total(app.figures.missed),
		fill: (cell, app) => missedIn(cell, app.figures)},
	{id: 'time', name: 'Time a callback', numeric: true,
		value: ({figures: {seconds: spent}}) => spent.callbacks ? spent.total / spent.callbacks : 0,
		fill: (cell, {figures: {seconds: spent}}) => spent.callbacks
			? twoLines(cell, seconds(spent.total / spent.callbacks), undefined, `${seconds(spent.own / spent.callbacks)} own`)
			: put(cell, none)},
	{id: 'used', name: 'Last used', numeric: true, value: app => time(app.last_used)?.getTime() ?? 0,
		fill: (cell, app) => put(cell, app.last_used ? moment(time(app.last_used)) : none)},
];

// The sentences below a decision, each with what it is about.
const inlineSentences = ({inline}) => Object.entries(inline ?? {}).filter(([, sum]) => sum.values > 0).map(([reason, sum]) =>
	`${counted(sum.values, 'value')} (${bytes(sum.bytes)}) stayed inline: ${inWords(reasons, reason)}.`);

const missSentences = ({missed}) => Object.entries(missed ?? {}).map(([cause, number]) =>
	`${counted(number, 'miss', 'misses')}: ${inWords(causes, cause)}.`);

const usedSentence = store => store.last_used ? [`Last used ${moment(time(store.last_used))}.`] : [];

// clientsideSentence names the callback if the explanation does not.
const clientsideSentence = ({clientside, explanation}) =>
	clientside && !explanation.includes(clientside) ? [`Clientside callback: ${clientside}`] : [];

// decision writes where a Store's data is and why. What opens below it is the whole explanation, and a way to purge.
const decision = purge => (cell, store) => {
	if (!cell.firstChild) {
		const button = make('button', {type: 'button'}, 'Purge this Store…');
		button.addEventListener('click', () => purge(cell.store));
		cell.append(make('details', {},
			make('summary', {}, make('strong', {class: 'where'}), make('span', {class: 'why'})),
			make('div', {class: 'explanation'}, make('p', {class: 'whole'}), make('ul', {}), button)));
	}
	cell.store = store;
	const [summary, more] = cell.firstChild.children;
	put(summary.children[0], dry(store) && store.decision === 'offloaded' ? 'would be on the server' : inWords(decisions, store.decision));
	summary.children[0].dataset.decision = store.decision;
	put(summary.children[1], store.decision === 'offloaded' ? '' : inWords(reasons, store.reason));
	put(more.children[0], store.explanation || `In words: ${inWords(reasons, store.reason)}.`);
	const sentences = [clientsideSentence(store), inlineSentences(store.figures), missSentences(store.figures), usedSentence(store)].flat();
	if ([...more.children[1].children].map(item => item.textContent).join('\n') !== sentences.join('\n')) {
		more.children[1].replaceChildren(...sentences.map(sentence => make('li', {}, sentence)));
	}
};

const nameOfStore = (cell, store) => {
	if (!cell.firstChild) cell.append(make('code'));
	put(cell.firstChild, store.id);
	cell.title = store.id;
};

// storeColumns: purge(store) is called by the button in a Store's explanation.
export const storeColumns = purge => [
	{id: 'store', name: 'Store', value: store => store.id, fill: nameOfStore},
	{id: 'app', name: 'App', value: shortly, fill: nameOfApp},
	{id: 'type', name: 'Type', value: store => store.storage_type, fill: (cell, store) => put(cell, store.storage_type || none)},
	{id: 'decision', name: 'Data is', value: store => `${store.decision} ${store.reason}`, fill: decision(purge)},
	{id: 'size', name: 'Last size', numeric: true, value: store => store.last_bytes,
		fill: (cell, store) => oneLine(cell, store.last_bytes ? bytes(store.last_bytes) : none, store.last_bytes)},
	{id: 'saved', name: 'Saved', numeric: true, value: store => savedOf(store.figures),
		fill: (cell, {figures}) => oneLine(cell, savedOf(figures) ? bytes(savedOf(figures)) : none, savedOf(figures))},
	{id: 'offloaded', name: 'Offloaded', numeric: true, value: store => store.figures.offloaded.bytes,
		fill: (cell, {figures}) => sizeAndValues(cell, figures.offloaded)},
	{id: 'restored', name: 'Put back', numeric: true, value: store => store.figures.restored.bytes,
		fill: (cell, {figures}) => sizeAndValues(cell, figures.restored)},
	{id: 'inline', name: 'Inline', numeric: true, value: store => sumOf(store.figures.inline).bytes,
		fill: (cell, {figures}) => sizeAndValues(cell, sumOf(figures.inline))},
	{id: 'misses', name: 'Misses', numeric: true, value: store => total(store.figures.missed),
		fill: (cell, {figures}) => missedIn(cell, figures)},
];

export const missColumns = [
	{id: 'when', name: 'Time', value: miss => miss.time, fill: (cell, miss) => {
		if (!cell.firstChild) cell.append(make('time', {dateTime: miss.time}));
		put(cell.firstChild, moment(time(miss.time)));
	}},
	{id: 'app', name: 'App', value: shortly, fill: nameOfApp},
	{id: 'store', name: 'Store', value: miss => miss.store, fill: (cell, miss) => {
		if (!cell.firstChild) cell.append(make('code'));
		put(cell.firstChild, miss.store || 'not known');
	}},
	{id: 'cause', name: 'The data is', value: miss => miss.cause, fill: (cell, miss) => put(cell, inWords(causes, miss.cause))},
];
