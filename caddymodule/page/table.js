// A table that is sorted by its heads, and whose rows are changed in place: focus, order and scroll position stay.

import {count, make, put, show} from './format.js';

const collator = new Intl.Collator('en', {numeric: true, sensitivity: 'base'});

const compare = (a, b) => typeof a === 'number' ? a - b : collator.compare(a, b);

// LiveTable puts a table into a place. Its columns are {id, name, numeric, value(item), fill(cell, item)}: value is what is sorted
// by, and fill writes or changes a cell. The first column names the row. key(item) tells rows apart. More than `first` rows are
// shown on request.
export class LiveTable {
	#columns; #key; #sort; #first; #noun;
	#items = [];
	#rows = new Map(); // key -> <tr>
	#matches = () => true;
	#all = false;

	constructor(place, {label, noun, columns, key, sort, first = 25}) {
		this.#columns = columns;
		this.#key = key;
		this.#sort = sort;
		this.#first = first;
		this.#noun = noun;
		// The roles say what the elements are by themselves, until a style sheet makes cards of the rows.
		this.body = make('tbody', {role: 'rowgroup'});
		this.heads = new Map(columns.map(column => [column.id, this.#head(column)]));
		place.append(make('div', {class: 'scroll', role: 'region', 'aria-label': `Table: ${label}`, tabIndex: 0},
			make('table', {role: 'table', 'aria-label': label},
				make('thead', {role: 'rowgroup'}, make('tr', {role: 'row'}, ...this.heads.values())), this.body)));
		this.more = make('button', {type: 'button', class: 'more', hidden: true});
		this.more.addEventListener('click', () => {
			this.#all = !this.#all;
			this.#draw();
		});
		place.append(this.more);
		this.#markSorted();
	}

	// update shows these items, and returns how many of them the filter lets through.
	update(items) {
		this.#items = items;
		return this.#draw();
	}

	// filter shows only the items that match.
	filter(matches) {
		this.#matches = matches;
		return this.#draw();
	}

	#head(column) {
		const button = make('button', {type: 'button'}, column.name);
		button.addEventListener('click', () => this.#sortBy(column));
		return make('th', {role: 'columnheader', scope: 'col', class: column.numeric ? 'number' : ''}, button);
	}

	// #sortBy turns the order round if it is sorted by this column. Numbers begin with the largest, texts with A.
	#sortBy({id, numeric}) {
		const again = this.#sort.id === id;
		this.#sort = {id, descending: again ? !this.#sort.descending : Boolean(numeric)};
		this.#markSorted();
		this.#draw();
	}

	#markSorted() {
		for (const [id, head] of this.heads) {
			if (id === this.#sort.id) head.setAttribute('aria-sort', this.#sort.descending ? 'descending' : 'ascending');
			else head.removeAttribute('aria-sort');
		}
	}

	#sorted() {
		const {value} = this.#columns.find(column => column.id === this.#sort.id);
		const sign = this.#sort.descending ? -1 : 1;
		return this.#items.filter(this.#matches).map(item => ({item, by: value(item), key: this.#key(item)}))
			.sort((a, b) => sign * compare(a.by, b.by) || compare(a.key, b.key));
	}

	#draw() {
		const sorted = this.#sorted();
		const shown = this.#all ? sorted : sorted.slice(0, this.#first);
		const left = new Set(shown.map(({key}) => key));
		for (const [key, row] of this.#rows) {
			if (left.has(key)) continue;
			row.remove();
			this.#rows.delete(key);
		}
		this.#place(shown.map(({key, item}) => this.#row(key, item)));
		show(this.more, sorted.length > this.#first, this.#all ? `Show the first ${this.#first} only`
			: `Show all ${count(sorted.length)} ${this.#noun}`);
		return sorted.length;
	}

	// #row returns the row of an item, made or brought up to date.
	#row(key, item) {
		let row = this.#rows.get(key);
		if (!row) {
			row = make('tr', {role: 'row'}, ...this.#columns.map((column, index) => make(index === 0 ? 'th' : 'td', {
				role: index === 0 ? 'rowheader' : 'cell', class: `${column.id} ${column.numeric ? 'number' : ''}`, 'data-label': column.name,
				...(index === 0 && {scope: 'row'}),
			})));
			this.#rows.set(key, row);
		}
		this.#columns.forEach((column, index) => column.fill(row.cells[index], item));
		return row;
	}

	// #place brings the rows into this order, from the last to the first. The row that has the focus would lose it by being moved:
	// it stays, and the others are moved around it.
	#place(rows) {
		let next = null;
		for (const row of rows.toReversed()) {
			const inPlace = row.parentNode === this.body && row.nextElementSibling === next;
			if (!inPlace && !row.contains(document.activeElement)) this.body.insertBefore(row, next);
			next = row;
		}
	}
}

// twoLines writes a figure and, below it, what goes with it.
export const twoLines = (cell, text, exact, below) => {
	if (!cell.firstChild) cell.append(make('data'), make('span', {class: 'below'}));
	put(cell.children[0], text, exact);
	put(cell.children[1], below);
};

// oneLine writes a figure.
export const oneLine = (cell, text, exact) => {
	if (!cell.firstChild) cell.append(make('data'));
	put(cell.children[0], text, exact);
};
