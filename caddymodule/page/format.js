// Numbers, times and causes in words, and the few helpers with which the page is built.

const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
const onePlace = new Intl.NumberFormat('en-US', {minimumFractionDigits: 1, maximumFractionDigits: 1});
const time = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', second: '2-digit'});
const day = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short'});

export const none = '–';

export const count = number => whole.format(number);

// counted is a number with its noun: "1 value", "12 values".
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

// bytes is a size in decimal units: 1 MB is 1,000,000 bytes.
export const bytes = number => {
	const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
	let size = number, unit = 0;
	while (Math.abs(size) >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
		size /= 1000;
		unit++;
	}
	return `${unit === 0 ? whole.format(size) : onePlace.format(size)} ${units[unit]}`.replace('-', '−');
};

export const rate = perSecond => perSecond === null ? none : `${bytes(perSecond)}/s`;

// ratio is how many times as much it is without Dashstash.
export const ratio = ({with: ours, without}) => {
	if (!(ours > 0 && without > 0)) return none;
	const times = without / ours;
	return `${times < 99.95 ? onePlace.format(times) : whole.format(times)} ×`;
};

export const seconds = value => {
	if (value === null || !Number.isFinite(value)) return none;
	if (value >= 0.9995) return `${onePlace.format(value)} s`;
	return `${value > 0 && value < 0.00995 ? onePlace.format(value * 1000) : whole.format(value * 1000)} ms`;
};

// span is how long something takes, in at most two units.
export const span = milliseconds => {
	const all = Math.max(0, Math.round(milliseconds / 1000));
	const parts = [[Math.floor(all / 86400), 'd'], [Math.floor(all / 3600) % 24, 'h'], [Math.floor(all / 60) % 60, 'min'], [all % 60, 's']];
	const first = parts.findIndex(([number]) => number > 0);
	if (first < 0) return '0 s';
	return parts.slice(first, first + 2).filter(([number]) => number > 0).map(([number, unit]) => `${number} ${unit}`).join(' ');
};

export const clock = date => time.format(date);

// moment is a time of day, with the date where that is another than today's.
export const moment = date => {
	const today = date.toDateString() === new Date().toDateString();
	return today ? clock(date) : `${day.format(date)}, ${clock(date)}`;
};

export const decisions = {offloaded: 'on the server', inline: 'in the browser'};

// Why a Store is where it is, and why a value stayed inline.
export const reasons = {
	offloaded: 'it is offloaded',
	clientside: 'a clientside callback uses it',
	storage_type: 'its storage type is not selected',
	excluded: 'exclude names it',
	not_selected: 'stores does not name it',
	unknown: 'no such Store has been seen in the app',
	below_min_size: 'smaller than min_size',
	above_max_payload: 'larger than max_payload',
	no_container: 'a number, true, false, null or ""',
	late: 'its component said too late what it is',
	storage: 'the storage refused it or could not be reached',
};

export const causes = {
	gone: 'gone: evicted, expired, purged or wiped',
	unreadable: 'unreadable: the token is of another secret, app or user, or forged',
	damaged: 'damaged in the storage',
	doubt: 'in doubt: what was known of the app was lost while its pages were open',
};

// inWords falls back to the word itself: a newer Dashstash may know more of them.
export const inWords = (words, word) => words[word] ?? word.replaceAll('_', ' ');

export const total = (counts, of = number => number) => Object.values(counts ?? {}).reduce((sum, each) => sum + of(each), 0);

// shortly names an app, and what tells it from another of the same name.
export const shortly = ({app, namespace}) => namespace ? `${app} · ${namespace}` : app;

// make returns a new element with these properties, attributes (data-…, aria-…, role, class) and children.
export const make = (tag, attributes = {}, ...children) => {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name in element) element[name] = value;
		else element.setAttribute(name, value);
	}
	element.append(...children);
	return element;
};

// put changes an element's text, and a <data>'s exact figure, only where it differs: a selection stays, and a live region is quiet.
export const put = (element, text, exact) => {
	if (element.textContent !== text) element.textContent = text;
	if (exact === undefined || element.value === String(exact)) return;
	element.value = String(exact);
	element.title = count(exact);
};

// show hides an element or shows it, with a text if one is given.
export const show = (element, shown, text) => {
	element.hidden = !shown;
	if (text !== undefined) put(element, text);
};
