import { createServer } from 'node:net';

/** The wanted port when it can be listened on, or one that is free. Another program may still take it before we do; then listening fails. */
export async function choosePort(host: string, wanted: number): Promise<number> {
  return (await canListen(host, wanted)) ? wanted : 0;
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
