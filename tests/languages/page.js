// Runs the script of a page as a browser would, with elements that only keep what is put into them: `page.js PORT PAGE`. Clicks through it
// and prints what stands in it then.
const fs = require('fs');
const vm = require('vm');
const WebSocket = require('ws');
const [port, page] = [process.argv[2], process.argv[3]];
const html = fs.readFileSync(page, 'utf8');
const elements = {};
for (const [, id] of html.matchAll(/id="(\w+)"/g)) elements[id] = {value: '', textContent: '', style: {}};
elements.record.textContent = 'record';
elements.at.value = `localhost:${port}`;
globalThis.document = {getElementById: (id) => {
  if (!elements[id]) throw new Error(`the page has no ${id}`);
  return elements[id];
}};
// Browsers say where the page comes from.
globalThis.WebSocket = class extends WebSocket {
  constructor(url) { super(url, {origin: 'http://localhost:8000'}); }
};
vm.runInThisContext(html.match(/<script>([\s\S]*)<\/script>/)[1]);

const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
let loudest = 0;
setInterval(() => { loudest = Math.max(loudest, elements.left.value); }, 5);
(async () => {
  elements.connect.onclick();
  await wait(0.7);
  elements.record.onclick();
  elements.play.onclick();
  await wait(0.3);
  elements.tempo.value = '90';
  elements.tempo.oninput();
  elements.level.value = '-6';
  elements.level.oninput();
  elements.note.onclick();
  await wait(0.7);
  const place = elements.place.textContent;
  const left = elements.cursor.style.left;
  elements.pause.onclick();
  await wait(0.3);
  elements.record.onclick();
  await wait(0.7);
  for (const [name, value] of Object.entries({
    state: elements.state.textContent, slot: elements.slot.textContent, place, paused: elements.place.textContent,
    bpm: elements.bpm.textContent, tape: elements.tape.textContent, said: elements.said.textContent, left, loudest,
  })) console.log(name, value);
  process.exit(0);
})();
