// How full each storage is, and whether it can be reached. Without `live` the latter is not known.

import {bytes, count, counted, make, put, show} from './format.js';

const section = document.getElementById('storages');
const list = section.querySelector('ul');
const items = new Map(); // storage and place -> <li>

export const showStorages = (storages, live) => {
	show(section, storages.length > 0);
	const keys = storages.map(({storage, place}) => `${storage}\n${place}`);
	for (const [key, item] of items) {
		if (keys.includes(key)) continue;
		item.remove();
		items.delete(key);
	}
	storages.forEach((storage, index) => {
		if (!items.has(keys[index])) items.set(keys[index], newItem(storage));
		fill(items.get(keys[index]), storage, live);
	});
};

const newItem = ({storage, place}) => {
	const item = make('li', {class: 'card storage'},
		make('p', {class: 'head'}, make('strong', {}, storage), make('code', {}, place), make('span', {class: 'chip'})),
		make('div', {class: 'meter', role: 'meter', 'aria-label': `Fill of ${storage} ${place}`, 'aria-valuemin': '0'}, make('div')),
		make('p', {class: 'fill'}), make('p', {class: 'aside'}));
	list.append(item);
	return item;
};

const fill = (item, storage, live) => {
	const [head, meter, text, more] = item.children;
	const state = head.lastChild;
	put(state, !live ? 'not known' : storage.available ? 'available' : 'not available');
	state.className = `chip ${storage.available ? 'good' : 'bad'}`;
	const bounded = storage.max_bytes > 0 && storage.bytes !== null;
	show(meter, bounded);
	const used = inUse(storage);
	if (bounded) {
		meter.setAttribute('aria-valuemax', storage.max_bytes);
		meter.setAttribute('aria-valuenow', Math.min(storage.bytes, storage.max_bytes));
		meter.setAttribute('aria-valuetext', used);
		meter.firstChild.style.width = `${Math.min(100, 100 * storage.bytes / storage.max_bytes).toFixed(2)}%`;
	}
	put(text, used);
	put(more, [entries(storage), evicted(storage), expired(storage)].filter(Boolean).join(' · '));
};

const inUse = ({bytes: size, max_bytes: most}) => {
	if (size === null) return 'It does not tell how much it holds.';
	if (!most) return `${bytes(size)}, with no bound but the server’s own`;
	return `${bytes(size)} of ${bytes(most)} (${percent(size / most)})`;
};

const percent = share => share > 0 && share < 0.01 ? 'under 1 %' : `${Math.floor(100 * share)} %`;

const entries = ({entries: number, max_entries: most}) =>
	number !== null && `${counted(number, 'entry', 'entries')}${most ? ` of at most ${count(most)}` : ''}`;

const evicted = ({evicted: number}) => number !== null && `${count(number)} evicted to make room`;

const expired = ({expired: number}) => number !== null && `${count(number)} expired`;
