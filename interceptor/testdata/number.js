// Reads one JSON text a line and writes what a browser makes of each, one a line.
const lines = require('fs').readFileSync(0, 'utf8').split('\n');
lines.pop(); // what follows the last newline
process.stdout.write(lines.map(line => JSON.stringify(JSON.parse(line)) + '\n').join(''));
