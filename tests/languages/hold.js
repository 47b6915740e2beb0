// Holds eight notes for ever.
const osc = require('osc');
const [to, by] = [Number(process.argv[2]), process.argv[3]];
const port = by === 'tcp' ? new osc.TCPSocketPort({address: '127.0.0.1', port: to, metadata: true}) : new osc.WebSocketPort({url: `ws://127.0.0.1:${to}`, metadata: true});
port.on('ready', () => {
  for (let id = 0; id < 8; id++) {
    port.send({address: '/tone/note/on', args: [{type: 'i', value: id}, {type: 'i', value: 57 + id}, {type: 'f', value: 1}]});
  }
  console.log('holding');
  setInterval(() => {}, 1000);
});
port.open();
