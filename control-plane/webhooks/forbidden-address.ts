import { BlockList, isIP } from 'node:net';

// Services on a private network are what webhooks are often for, so those stay open. These never are: they name no host,
// or the metadata service of a cloud, which hands out the credentials of the machine to whoever asks from it.
const forbidden = new BlockList();
forbidden.addSubnet('0.0.0.0', 8, 'ipv4');
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addAddress('192.0.0.192', 'ipv4');
forbidden.addSubnet('224.0.0.0', 3, 'ipv4');
forbidden.addAddress('::', 'ipv6');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');
forbidden.addAddress('fd20:ce::254', 'ipv6');
forbidden.addSubnet('ff00::', 8, 'ipv6');
const embedded = /^(?:::ffff:(?:0:)?|64:ff9b::|::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** True for an IP address that a webhook must not reach; IPv4 inside IPv6 counts as itself. */
export function isForbiddenAddress(text: string): boolean {
  const address = text.split('%')[0] ?? '';
  const family = isIP(address);
  if (family === 0) return true;
  if (family === 4) return forbidden.check(address, 'ipv4');
  const inner = embeddedIpv4(address);
  return forbidden.check(address, 'ipv6') || (inner !== undefined && forbidden.check(inner, 'ipv4'));
}

/** The same for the host of a URL: an address, or a name (which is judged by what it resolves to, when it is connected to). */
export function isForbiddenHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 && isForbiddenAddress(bare);
}

function embeddedIpv4(address: string): string | undefined {
  // URL writes every IPv6 address in its one short form.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const match = embedded.exec(canonical);
  if (!match) return undefined;
  const [high = 0, low = 0] = match.slice(1).map((part) => Number.parseInt(part, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
