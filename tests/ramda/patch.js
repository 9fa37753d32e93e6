// What a browser makes of Dash's partial updates: a transcript of handlePatch, and of what it calls, in Dash 4.3's
// dash/dash-renderer/src/actions/patch.ts, with the types taken out. `node patch.js <package>` runs it with that package of
// Ramda, over values that it keeps by name. Each line on stdin is one step:
//
//	{"name":"a","set":<value>}     a Store's data arrives, as JSON
//	{"name":"a","patch":<Patch>}   a callback answers with a Patch
//	{"name":"a","from":"b"}        a tab is duplicated
//	{"name":"a","reload":true}     a page is reloaded: the data comes out of the browser's storage. It stays, and this counts
//	                               as thrown, where JSON changes it: NaN becomes null.
//
// Each line on stdout is the JSON of [whether the renderer threw, the text of what the browser would send of the value].
const {isDeepStrictEqual} = require('util');
const {
    append, assocPath, concat, dissocPath, empty, equals, insert, is, path, prepend, reverse
} = require(process.argv[2]);

function getLocationIndex(value, previous) {
    if (is(Number, value) && value < 0) {
        return previous.length + value;
    }
    return value;
}

function getLocationPath(location, obj) {
    const current = [];
    for (let i = 0; i < location.length; i++) {
        const value = getLocationIndex(location[i], path(current, obj));
        current.push(value);
    }
    return current;
}

// at returns the handler that puts change(what is there, params) at a location.
const at = change => (previous, {location, params}) =>
    assocPath(location, change(path(location, previous), params), previous);

const patchHandlers = {
    Assign: (previous, {location, params}) => assocPath(location, params.value, previous),
    Merge: at((prev, params) => ({...prev, ...params.value})),
    Extend: at((prev, params) => concat(prev, params.value)),
    Delete: (previous, {location}) => dissocPath(location, previous),
    Insert: at((prev, params) => insert(getLocationIndex(params.index, prev), params.value, prev)),
    Append: at((prev, params) => append(params.value, prev)),
    Prepend: at((prev, params) => prepend(params.value, prev)),
    Add: at((prev, params) => prev + params.value),
    Sub: at((prev, params) => prev - params.value),
    Mul: at((prev, params) => prev * params.value),
    Div: at((prev, params) => prev / params.value),
    Clear: at(prev => empty(prev)),
    Reverse: at(prev => reverse(prev)),
    Remove: at((prev, params) => prev.filter(item => !equals(item, params.value)))
};

function handlePatch(previousValue, patchValue) {
    let reducedValue = previousValue;
    for (let i = 0; i < patchValue.operations.length; i++) {
        const patch = patchValue.operations[i];
        patch.location = getLocationPath(patch.location, reducedValue);
        const handler = patchHandlers[patch.operation];
        if (!handler) {
            throw new Error(`Invalid Operation ${patch.operation}`);
        }
        reducedValue = handler(reducedValue, patch);
    }
    return reducedValue;
}

const values = new Map();

function step({name, set, from, reload, patch}) {
    if (from !== undefined) {
        values.set(name, values.get(from));
    } else if (reload) {
        const read = JSON.parse(JSON.stringify(values.get(name)));
        if (!isDeepStrictEqual(read, values.get(name))) {
            throw new Error('not as it was');
        }
        values.set(name, read);
    } else if (patch !== undefined) {
        if (values.get(name) === undefined) {
            throw new Error('Cannot patch undefined'); // parsePatchProps
        }
        values.set(name, handlePatch(values.get(name), patch));
    } else {
        values.set(name, set);
    }
}

function answer(line) {
    const command = JSON.parse(line);
    let threw = false;
    try {
        step(command);
    } catch (error) {
        threw = true; // the exception ends the callback before any of its outputs is set
    }
    return JSON.stringify([threw, JSON.stringify(values.get(command.name)) ?? 'null']) + '\n';
}

let rest = ''; // not readline, to which U+2028 is the end of a line too
process.stdin.setEncoding('utf8').on('data', chunk => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    process.stdout.write(lines.map(answer).join(''));
});
