import { AppError } from '@nightshift/protocol';

/** What Node says of an address that cannot be listened on, as an error with a way out. Errors of anything else (a file, a database) come back as they are. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const { code, syscall, hostname } = error as NodeJS.ErrnoException & { hostname?: string };
  if (syscall !== 'listen' && !(syscall === 'getaddrinfo' && hostname === host)) return error;
  switch (code) {
    case 'EADDRINUSE':
      return new AppError('conflict', `port ${port} on ${host} is taken`, {
        cause: error,
        hint: 'is another control plane running? Choose another port with --port (0 takes a free one)',
      });
    case 'EACCES':
      return new AppError('config_invalid', `this user may not listen on port ${port}`, {
        cause: error,
        hint: 'choose a port from 1024 on',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new AppError('config_invalid', `${host} is no address of this machine`, {
        cause: error,
        hint: '127.0.0.1 is this machine alone; 0.0.0.0 or :: is every address',
      });
    default:
      return error;
  }
}
