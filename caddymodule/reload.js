// Dashstash has Dash's renderer run this where a callback has sent a token whose data is gone from the server. It takes all such
// tokens out of the browser's storages and reloads the page. If that has not helped, it says so instead of doing it again.
(() => {
	'use strict';

	// Several callbacks may have sent such a token at once.
	if (window.dashStashReload) return;
	window.dashStashReload = true;

	const reloadedAt = 'dash-stash-reloaded';
	const atOnce = 60_000; // ms, between one reload and the next, unless the user has done something meanwhile
	const gone = new URL(document.currentScript.src.replace('reload.js', 'gone'));

	const isKept = value => typeof value === 'object' && value !== null &&
		('$dashstash' in value || '$dashstash_patches' in value);

	// replaced returns a value with what(kept) in the place of all that stands in it for data on the server.
	const replaced = (value, what) => {
		if (typeof value !== 'object' || value === null) return value;
		if (isKept(value)) return what(value);
		if (Array.isArray(value)) return value.map(element => replaced(element, what));
		return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, replaced(member, what)]));
	};

	// entries returns what is in a storage and holds tokens; nothing if the browser does not allow to look.
	const entries = name => {
		try {
			const storage = window[name];
			return Object.keys(storage).map(key => ({storage, key, text: storage.getItem(key)}))
				.filter(({text}) => text.includes('$dashstash'))
				.flatMap(entry => {
					try {
						return [{...entry, value: JSON.parse(entry.text)}];
					} catch {
						return []; // it is no Store's
					}
				});
		} catch {
			return [];
		}
	};

	// clean takes the tokens out of the storages whose data is surely gone. All others stay: the server may have their data again.
	const clean = async () => {
		const found = [...entries('sessionStorage'), ...entries('localStorage')];
		const kept = [];
		found.forEach(({value}) => replaced(value, one => kept.push(one)));
		if (kept.length === 0) return;
		const fetchOptions = window.dash_stores?.[0]?.getState?.().config?.fetch; // the page may have added headers
		const answer = await fetch(gone, {
			credentials: 'same-origin', ...fetchOptions, method: 'POST', body: JSON.stringify(kept),
		});
		if (!answer.ok) return;
		const isGone = await answer.json();
		for (const {storage, key, value, text} of found) {
			const left = replaced(value, one => isGone.shift() ? null : one);
			if (storage.getItem(key) !== text) continue; // another tab was faster
			if (left === null) {
				storage.removeItem(key);
				storage.removeItem(`${key}-timestamp`); // which goes with a dcc.Store's data
			} else if (JSON.stringify(left) !== JSON.stringify(value)) {
				storage.setItem(key, JSON.stringify(left));
			}
		}
	};

	// mayReload tells whether the page is not reloading in a circle, and notes that it reloads. Where that cannot be noted, the
	// user is asked. What the user did is told by the Event Timing API: navigator.userActivation outlives a reload in Chromium.
	const mayReload = () => {
		try {
			const since = Date.now() - Number(sessionStorage.getItem(reloadedAt));
			if (since < atOnce && performance.getEntriesByType('first-input').length === 0) return false;
			sessionStorage.setItem(reloadedAt, String(Date.now()));
			return true;
		} catch {
			return false;
		}
	};

	const notice = () => {
		const box = document.createElement('div');
		box.id = 'dash-stash-notice';
		box.setAttribute('role', 'alert');
		Object.assign(box.style, {
			position: 'fixed', bottom: '16px', left: '16px', right: '16px', maxWidth: '520px', margin: '0 auto', zIndex: '2147483647',
			display: 'flex', flexWrap: 'wrap', gap: '8px 16px', alignItems: 'center', justifyContent: 'space-between', padding: '12px 16px', border: '1px solid #767676', borderRadius: '4px', background: '#fff', color: '#1a1a1a',
			font: '16px/1.5 system-ui, sans-serif', boxShadow: '0 2px 8px rgba(0, 0, 0, 0.3)',
		});
		document.body.append(box);
		const button = document.createElement('button');
		button.type = 'button';
		button.textContent = 'Reload';
		Object.assign(button.style, {
			font: 'inherit', padding: '2px 12px', border: '1px solid #1a1a1a', borderRadius: '4px',
			background: '#fff', color: '#1a1a1a', cursor: 'pointer',
		});
		button.addEventListener('click', () => location.reload());
		box.append('Some data of this page is no longer on the server.', button);
	};

	clean().catch(() => {}).finally(() => {
		if (!mayReload()) {
			notice();
			return;
		}
		location.reload();
		setTimeout(notice, 5000); // the page may have asked the user whether to leave it
	});
})();
