import { expect, test } from 'vitest';
import { isForbiddenAddress, isForbiddenHost } from './forbidden-address.js';

test.each([
  '169.254.169.254',
  '169.254.0.1',
  '0.0.0.0',
  '0.1.2.3',
  '100.100.100.200',
  '192.0.0.192',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'FD00:0EC2:0:0:0:0:0:254',
  'ff02::1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  'not an address',
])('%s is refused', (address) => {
  expect(isForbiddenAddress(address)).toBe(true);
});

test.each([
  '127.0.0.1',
  '10.0.0.7',
  '192.168.1.9',
  '93.184.216.34',
  '::1',
  'fd12::1',
  '2606:4700::1111',
  '::ffff:10.0.0.1',
])('%s is let through', (address) => {
  expect(isForbiddenAddress(address)).toBe(false);
});

test('however a URL spells the address, it is judged as what it means', () => {
  for (const url of [
    'http://169.254.169.254/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://169.254.43518/',
    'http://0251.0376.0251.0376/',
    'http://[::ffff:169.254.169.254]/',
    'http://0/',
  ])
    expect([url, isForbiddenHost(new URL(url).hostname)]).toEqual([url, true]);
  for (const url of ['http://localhost:8080/', 'https://hooks.example.org/', 'http://[::1]:9/'])
    expect([url, isForbiddenHost(new URL(url).hostname)]).toEqual([url, false]);
});
