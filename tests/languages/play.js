// Plays two notes by time tag, one second apart, turns a knob between them, prints what it is answered. By UDP, by TCP (SLIP), by a
// WebSocket's binary frames, or as JSON by its text frames.
const osc = require('osc');
const WebSocket = require('ws');
const [to, by] = [Number(process.argv[2]), process.argv[3]];
const url = `ws://127.0.0.1:${to}`;
const note = {address: '/tone/note', args: [{type: 'i', value: 69}, {type: 'f', value: 1}, {type: 'f', value: 0.5}]};
const now = Date.now();
const heard = (message) => console.log('heard', message.address, ...message.args.map((arg) => arg.value ?? arg));

function play(send, tagged) {
  console.log('first', now + 300);
  send({address: '/ping', args: [{type: 'i', value: 7}, {type: 's', value: 'x'}]});
  tagged(now + 300, note);
  tagged(now + 1000, {address: '/tone/loud', args: [{type: 'f', value: 0.4}]});
  tagged(now + 1300, note);
  setTimeout(() => send({address: '/tone/loud', args: []}), 1600);
  setTimeout(() => process.exit(0), 2300);
}

if (by === 'json') {
  const socket = new WebSocket(url);
  const plain = (message) => ({address: message.address, args: message.args.map((arg) => arg.value)});
  socket.on('message', (data, isBinary) => {
    if (!isBinary) heard(JSON.parse(data));
  });
  socket.on('open', () => play(
      (message) => socket.send(JSON.stringify(plain(message))),
      (at, message) => socket.send(JSON.stringify({time: at / 1000, messages: [plain(message)]}))));
} else {
  const ports = {
    udp: () => new osc.UDPPort({localAddress: '127.0.0.1', localPort: 0, metadata: true}),
    tcp: () => new osc.TCPSocketPort({address: '127.0.0.1', port: to, metadata: true}),
    ws: () => new osc.WebSocketPort({url, metadata: true}),
  };
  const port = ports[by]();
  const send = by === 'udp' ? (packet) => port.send(packet, '127.0.0.1', to) : (packet) => port.send(packet);
  port.on('message', heard);
  port.on('ready', () => play(send, (at, message) => send({timeTag: osc.timeTag(0, at), packets: [message]})));
  port.open();
}
