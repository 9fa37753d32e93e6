// The dialog that deletes data: what, then what that means, then what became of it.

import {bytes, counted, make, put, shortly, show} from './format.js';

const at = id => document.getElementById(`purge-${id}`);
const dialog = document.getElementById('purge');
const form = at('form');
const result = document.getElementById('result');

let apps = []; // of the last Status
let order = null; // what is to be confirmed: the body of the request
let asked = 0; // when it was asked for confirmation
let busy = false;
let clearing; // the result, some time later

const what = () => form.elements.what.value;

const chosenApp = () => apps.find(app => keyOf(app) === at('app').value);

// keyOf tells apps apart; an app has the same data in a dry run.
const keyOf = ({app, namespace}) => JSON.stringify([app, namespace]);

// showApps keeps the lists of apps and Stores, while the dialog is closed: what is being read stays.
export const showApps = now => {
	apps = [...new Map(now.map(app => [keyOf(app), app])).values()];
	if (!dialog.open) fillLists();
};

const fillLists = () => {
	const chosen = at('app').value;
	at('app').replaceChildren(...apps.map(app => make('option', {value: keyOf(app)}, shortly(app))));
	if (apps.some(app => keyOf(app) === chosen)) at('app').value = chosen;
	fillStores();
};

const fillStores = () => {
	at('stores').replaceChildren(...(chosenApp()?.stores ?? []).map(store => make('option', {value: store.id})));
};

// open shows the dialog, with a Store of an app chosen if one is given.
export const open = store => {
	put(result, '');
	fillLists();
	form.reset();
	for (const radio of form.elements.what) radio.disabled = radio.value !== 'all' && apps.length === 0;
	if (store) {
		form.elements.what.value = 'store';
		at('app').value = keyOf(store);
		at('store').value = store.id;
		fillStores();
	}
	toStep(null);
	showFields();
	dialog.showModal();
};

const showFields = () => {
	for (const field of form.querySelectorAll('[data-for]')) {
		field.hidden = !field.dataset.for.split(' ').includes(what());
		for (const input of field.querySelectorAll('select, input')) input.required = !field.hidden;
	}
};

// toStep shows what is to be confirmed, or without an order the choice.
const toStep = next => {
	order = next;
	asked = Date.now();
	show(at('choice'), !order);
	show(at('confirmation'), Boolean(order));
	show(at('error'), false, '');
	put(at('title'), order ? 'Delete this data?' : 'Purge');
	put(at('cancel'), order ? 'Back' : 'Cancel');
	put(at('next'), order ? 'Delete' : 'Continue');
	at('next').classList.toggle('danger', Boolean(order));
	at('cancel').setAttribute('aria-describedby', order ? 'purge-confirmation' : '');
	if (order) at('cancel').focus(); // Enter twice deletes nothing
};

const request = () => {
	const older = at('age').value.trim();
	const app = what() === 'all' ? null : chosenApp();
	const body = {
		...(app && {app: app.app}), ...(app?.namespace && {namespace: app.namespace}),
		...(what() === 'store' && {store: at('store').value.trim()}), ...(older && {older_than: older}),
	};
	return Object.keys(body).length === 0 ? {all: true} : body;
};

const inWords = ({app, namespace, store, older_than: older}) => {
	const whose = store !== undefined ? `of the Store “${store}” of ${shortly({app, namespace})}`
		: app !== undefined ? `of ${shortly({app, namespace})}` : 'of all apps';
	return `This deletes the data ${whose}${older ? ` that was not used for ${older}` : ''}, in every storage.`;
};

const whatHappened = ({entries, bytes: size, storages}) => {
	if (entries === 0) return 'Nothing was deleted: there was no such data.';
	const each = storages?.length > 1 ? ` (${storages.map(one => `${one.storage} ${counted(one.entries, 'entry', 'entries')}`).join(', ')})` : '';
	return `Deleted: ${counted(entries, 'entry', 'entries')}, ${bytes(size)}${each}.`;
};

const send = async body => {
	const answer = await fetch('purge', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
	const text = await answer.text();
	if (!answer.ok) throw new Error(errorIn(text) ?? `Caddy answered ${answer.status} ${answer.statusText}`);
	return JSON.parse(text);
};

// errorIn is the error in an answer of Caddy's API, if it is one.
const errorIn = text => {
	try {
		return JSON.parse(text).error;
	} catch {
		return undefined;
	}
};

// announce tells what became of it, for half a minute.
const announce = text => {
	put(result, text);
	clearTimeout(clearing);
	clearing = setTimeout(put, 30_000, result, '');
};

const purge = async () => {
	busy = true;
	try {
		const done = await send(order);
		dialog.close();
		announce(whatHappened(done));
	} catch (error) {
		show(at('error'), true, error instanceof TypeError ? 'Caddy cannot be reached. It may be that nothing was deleted.' : error.message);
	} finally {
		busy = false;
	}
};

// justAsked tells whether a click may be the second one of two, which was not meant for what is there now.
const justAsked = () => order && Date.now() - asked < 400;

form.addEventListener('change', showFields);
at('app').addEventListener('change', fillStores);
at('cancel').addEventListener('click', () => {
	if (justAsked()) return;
	if (order) toStep(null);
	else dialog.close();
});
form.addEventListener('submit', event => {
	event.preventDefault();
	if (busy || justAsked()) return;
	if (order) purge();
	else {
		put(at('what'), inWords(request()));
		toStep(request());
	}
});
