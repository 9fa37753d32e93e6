// What is saved, in large figures; and in one sentence, whether it works.

import {bytes, causes, count, counted, moment, none, put, rate, ratio, seconds, show, total} from './format.js';

const template = document.getElementById('panel');
const place = document.getElementById('panels');
const panels = new Map(); // mode -> <section>

const words = {
	live: {title: 'Saved', with: 'with Dashstash', without: 'without', offloaded: 'Offloaded', restored: 'Put back'},
	dry_run: {title: 'Would be saved', with: 'would be with Dashstash', without: 'now',
		offloaded: 'Would be offloaded', restored: 'Would be put back'},
};

// modesOf returns the modes that there is something to tell of, the live one first.
export const modesOf = status => {
	const used = ['live', 'dry_run'].filter(mode => status[mode].callbacks > 0 || status.apps.some(app => app.mode === mode));
	return used.length > 0 ? used : ['live'];
};

// showPanels shows a panel for each mode that is in use. Without `live`, what is told of this moment is left out.
export const showPanels = (status, histories, live) => {
	const modes = modesOf(status);
	for (const mode of Object.keys(words)) {
		if (!modes.includes(mode)) {
			panels.get(mode)?.remove();
			panels.delete(mode);
			continue;
		}
		if (!panels.has(mode)) panels.set(mode, newPanel(mode));
		fill(panels.get(mode), status, mode, live ? histories[mode].sum(60) : null);
	}
};

const newPanel = mode => {
	const panel = template.content.cloneNode(true).firstElementChild;
	panel.dataset.mode = mode;
	const title = panel.querySelector('h2');
	title.id = `panel-${mode}`;
	panel.setAttribute('aria-labelledby', title.id);
	put(title, words[mode].title);
	show(part(panel, 'dry'), mode === 'dry_run');
	for (const name of ['with', 'without']) panel.querySelectorAll(`[data-part=${name}]`).forEach(each => put(each, words[mode][name]));
	for (const name of ['offloaded', 'restored']) put(part(panel, `${name}-label`), words[mode][name]);
	mode === 'live' ? place.prepend(panel) : place.append(panel);
	return panel;
};

const part = (panel, name) => panel.querySelector(`[data-part=${name}]`);
const figure = (panel, name) => panel.querySelector(`[data-figure=${name}]`);

const fill = (panel, status, mode, minute) => {
	const figures = status[mode];
	const saved = figures.saved.up + figures.saved.down;
	put(figure(panel, 'saved'), bytes(saved), saved);
	put(part(panel, 'since'), `since ${moment(new Date(status.since))}`);
	put(figure(panel, 'rate'), rate(minute && minute.saved / minute.span));
	for (const direction of ['down', 'up']) fillDirection(panel, direction, figures[direction]);
	put(figure(panel, 'callbacks'), count(figures.callbacks), figures.callbacks);
	put(part(panel, 'callback-rate'), minute ? `${count(minute.callbacks / minute.span * 60)} a minute now` : '');
	const missed = total(figures.missed);
	put(figure(panel, 'missed'), count(missed), missed);
	put(part(panel, 'causes'), Object.entries(figures.missed ?? {}).map(([cause, number]) => `${count(number)} ${shortCause(cause)}`).join(', '));
	const {callbacks: timed, total: time, own} = figures.seconds;
	put(figure(panel, 'time'), timed ? seconds(time / timed) : none);
	put(part(panel, 'own'), timed ? `${seconds(own / timed)} of it in Dashstash` : '');
	fillValues(panel, 'offloaded', figures.offloaded);
	fillValues(panel, 'restored', figures.restored);
	fillValues(panel, 'inline', {values: total(figures.inline, each => each.values), bytes: total(figures.inline, each => each.bytes)});
};

const shortCause = cause => causes[cause]?.split(':')[0] ?? cause;

const fillValues = (panel, name, sum) => {
	put(figure(panel, name), bytes(sum.bytes), sum.bytes);
	put(part(panel, `${name}-values`), counted(sum.values, 'value'));
};

const fillDirection = (panel, direction, sum) => {
	put(figure(panel, `${direction}-ratio`), ratio(sum));
	put(figure(panel, `${direction}-with`), bytes(sum.with), sum.with);
	put(figure(panel, `${direction}-without`), bytes(sum.without), sum.without);
	const share = sum.without > 0 ? Math.min(1, sum.with / sum.without) : 0;
	panel.querySelector(`[data-direction=${direction}] .share div`).style.width = `${(100 * share).toFixed(2)}%`;
};

// verdict says in a sentence whether it works: [how it looks, the sentence].
const verdict = status => {
	const down = status.storages.filter(storage => !storage.available);
	if (down.length > 0) {
		const names = down.map(({storage}) => storage).join(' and ');
		return ['bad', `The storage ${names} is not available: new data stays inline, and callbacks whose data is there are told to try again.`];
	}
	const [mode] = modesOf(status);
	const stores = status.apps.filter(app => app.mode === mode).flatMap(app => app.stores);
	const offloaded = stores.filter(store => store.decision === 'offloaded').length;
	if (stores.length === 0) return ['info', 'It runs. No Store has been seen yet.'];
	if (mode === 'dry_run') return ['info', `It runs. ${count(offloaded)} of ${counted(stores.length, 'Store')} would be kept on the server.`];
	const kept = `${count(offloaded)} of ${counted(stores.length, 'Store')}`;
	if (offloaded === 0) return ['info', `It runs, but ${kept} ${stores.length === 1 ? 'is' : 'are'} kept on the server: see below why.`];
	if (status.live.offloaded.values === 0) return ['info', `It runs. ${kept} will be kept on the server: no data has come yet.`];
	return ['good', `It works: ${kept} ${offloaded === 1 ? 'is' : 'are'} kept on the server.`];
};

// showVerdict shows it, or that nothing is known: `lost` then says since when.
export const showVerdict = (element, status, lost) => {
	const [look, sentence] = lost ? ['info', `Caddy has not told anything since ${lost}. What follows is of then.`] : verdict(status);
	element.className = `note ${look}`;
	put(element, sentence);
};
