// Clientside callbacks of clientside_files.py: they read, write and copy Stores in the browser.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
    table: {
        describe: data => `${typeof data} ${JSON.stringify(data)}`,
        copy: data => {
            if (data === undefined || data === null) return window.dash_clientside.no_update;
            return {copied: data, keys: Object.keys(data)};
        },
        write: clicks => ({written: clicks || 0, rows: Array.from({length: 20}, (_, n) => n / 2)}),
        both: (clicks, data) => [data, `${clicks} ${JSON.stringify(data)}`],
    },
});
