// Small charts of the last five minutes, from what successive Status tell.

import {count, make, put, rate, seconds} from './format.js';

const length = 5 * 60; // seconds
const gap = 15; // seconds between two Status, after which nothing is said of what was in between
const width = 300, height = 80; // of the drawing, which is stretched to its place

const draw = (tag, attributes) => {
	const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	return element;
};

// History keeps what was counted in each interval between two Status: {from, to} in seconds, and the counts of it.
export class History {
	#last = null;
	intervals = [];

	add(time, figures) {
		const now = {
			time, callbacks: figures.callbacks,
			with: figures.up.with + figures.down.with, without: figures.up.without + figures.down.without,
			saved: figures.saved.up + figures.saved.down,
			missed: Object.values(figures.missed ?? {}).reduce((sum, number) => sum + number, 0),
			timed: figures.seconds.callbacks, total: figures.seconds.total, own: figures.seconds.own,
		};
		const last = this.#last;
		this.#last = now;
		if (!last || now.time <= last.time) return;
		if (now.callbacks < last.callbacks) this.intervals = []; // counting began anew
		else if (now.time - last.time < gap) this.intervals.push(difference(last, now));
		this.intervals = this.intervals.filter(({to}) => to > time - length);
	}

	// sum adds up what was counted in the last so many seconds: null if nothing is known of them.
	sum(last) {
		const recent = this.intervals.filter(({from}) => this.#last && from >= this.#last.time - last);
		if (recent.length === 0) return null;
		return recent.reduce((sum, each) => {
			for (const name in sum) sum[name] += each[name];
			return sum;
		}, {span: 0, callbacks: 0, with: 0, without: 0, saved: 0, missed: 0, timed: 0, total: 0, own: 0});
	}
}

const difference = (last, now) => {
	const interval = {from: last.time, to: now.time, span: now.time - last.time};
	for (const name in now) if (name !== 'time') interval[name] = now[name] - last[name];
	return interval;
};

// Each line is {name, of(interval), tell(number), now(sum)}; of returns null where there is nothing to tell.
export const charts = [
	{
		title: 'Bytes a second', tell: rate, least: 1000,
		lines: [
			{name: 'without', label: 'without', area: true, of: each => each.without / each.span, now: sum => sum.without / sum.span},
			{name: 'with', label: 'with Dashstash', area: true, of: each => each.with / each.span, now: sum => sum.with / sum.span},
		],
	},
	{
		title: 'Misses', tell: count, least: 4, whole: true,
		lines: [{name: 'misses', label: 'in five minutes', area: true, of: each => each.missed, now: sum => sum.missed}],
	},
	{
		title: 'Response time', tell: seconds, least: 0.01,
		lines: [
			{name: 'time', label: 'a callback', of: each => each.timed ? each.total / each.timed : null,
				now: sum => sum.timed ? sum.total / sum.timed : null},
			{name: 'own', label: 'of it in Dashstash', of: each => each.timed ? each.own / each.timed : null,
				now: sum => sum.timed ? sum.own / sum.timed : null},
		],
	},
];

// Chart shows one of the charts in a place. What is told as its number is of the last minute, for misses of all five.
export class Chart {
	constructor(place, chart) {
		this.chart = chart;
		this.max = make('span', {class: 'max', 'aria-hidden': 'true'});
		this.paths = chart.lines.map(line => draw('path', {class: `line ${line.name}${line.area ? ' area' : ''}`}));
		this.svg = draw('svg', {role: 'img', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none'});
		this.svg.append(draw('path', {class: 'grid', d: `M0 0.5H${width}M0 ${height / 2}H${width}M0 ${height - 0.5}H${width}`}), ...this.paths);
		this.numbers = chart.lines.map(() => make('strong'));
		place.append(make('figure', {class: 'card chart'},
			make('figcaption', {}, make('h3', {}, chart.title), make('p', {class: 'legend'}, ...chart.lines.map((line, index) =>
				make('span', {class: `key ${line.name}`}, this.numbers[index], ` ${line.label}`)))),
			make('div', {class: 'plot'}, this.max, this.svg),
			make('p', {class: 'axis', 'aria-hidden': 'true'}, make('span', {}, '5 min ago'), make('span', {}, 'now'))));
	}

	// update draws a history up to a time. `live` is false where the numbers are not those of now.
	update(history, time, live) {
		const {lines, least, whole, tell, title} = this.chart;
		const most = Math.max(...history.intervals.flatMap(each => lines.map(line => line.of(each) ?? 0)), 0);
		const top = ceiling(Math.max(most, least), whole);
		lines.forEach((line, index) => this.paths[index].setAttribute('d', steps(history.intervals, line, time, top)));
		const sum = live ? history.sum(whole ? length : 60) : null;
		const numbers = lines.map(line => tellOrNone(tell, sum && line.now(sum)));
		numbers.forEach((number, index) => put(this.numbers[index], number));
		put(this.max, tell(top));
		const told = lines.map((line, index) => `${numbers[index]} ${line.label}`).join(', ');
		this.svg.setAttribute('aria-label',
			`${title} over the last five minutes: ${live ? `now ${told}` : 'the connection is lost'}; at most ${tell(most)}.`);
	}
}

const tellOrNone = (tell, number) => number === null ? '–' : tell(number);

// ceiling is the next number of the kind 1, 2 or 5 times a power of ten: the scale then does not jump about.
const ceiling = (number, whole) => {
	const power = 10 ** Math.floor(Math.log10(number));
	const top = [1, 2, 5, 10].map(step => step * power).find(each => each >= number * 0.999);
	return whole ? Math.max(2, Math.ceil(top)) : top;
};

// steps is the path of a line, level for each interval and broken where nothing is known; of an area down to the ground.
const steps = (intervals, line, time, top) => {
	const x = at => Math.max(0, width * (1 - (time - at) / length)).toFixed(2);
	const y = number => (height - 1 - number / top * (height - 2)).toFixed(2);
	const known = intervals.filter(each => line.of(each) !== null);
	return known.map((each, index) => {
		const begins = known[index - 1]?.to !== each.from;
		const ends = known[index + 1]?.from !== each.to;
		const level = `V${y(line.of(each))}H${x(each.to)}`;
		if (line.area) return `${begins ? `M${x(each.from)} ${height}` : ''}${level}${ends ? `V${height}Z` : ''}`;
		return `${begins ? `M${x(each.from)} ${y(line.of(each))}` : ''}${level}`;
	}).join('');
};
