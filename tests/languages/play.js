// Plays two notes by time tag, one second apart, turns a knob between them, prints what it is answered.
const osc = require('osc');
const port = new osc.UDPPort({localAddress: '127.0.0.1', localPort: 0, metadata: true});
const to = (packet) => port.send(packet, '127.0.0.1', Number(process.argv[2]));
const note = {address: '/tone/note', args: [{type: 'i', value: 69}, {type: 'f', value: 1}, {type: 'f', value: 0.5}]};
port.on('message', (message) => console.log('heard', message.address, ...message.args.map((arg) => arg.value)));
port.on('ready', () => {
  const now = Date.now();
  const at = (later, packet) => to({timeTag: osc.timeTag(later / 1000, now), packets: [packet]});
  to({address: '/ping', args: [{type: 'i', value: 7}, {type: 's', value: 'x'}]});
  at(300, note);
  at(1000, {address: '/tone/loud', args: [{type: 'f', value: 0.4}]});
  at(1300, note);
  setTimeout(() => to({address: '/tone/loud', args: []}), 1600);
  setTimeout(() => process.exit(0), 2300);
});
port.open();
