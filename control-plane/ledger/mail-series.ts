import { makePatch } from '../patch/index.js';
import { filesBefore, lineTo } from './build-ledger.js';
import { AUTHOR, type Ledger, type LedgerCommit } from './ledger.js';

/** The date that mailboxes of git begin with: it marks them as not from a mail server. */
const MAILBOX_DATE = 'Mon Sep 17 00:00:00 2001';
/** An encoded word may have 75 characters (RFC 2047); the frame around it takes 12. */
const ENCODED_BYTES = 45;

/**
 * The way to the best code as a series of mails that `git am` takes, one for each kept patch. With the identity and the dates of the
 * ledger (`GIT_COMMITTER_NAME`, `GIT_COMMITTER_EMAIL`, `--committer-date-is-author-date`) it gives the ids of the branch.
 */
export function mailSeries(ledger: Ledger): string {
  const kept = lineTo(ledger, ledger.head).filter(({ iteration }) => iteration !== null);
  return kept.map((commit, index) => mail(ledger, commit, `${index + 1}/${kept.length}`)).join('');
}

function mail(ledger: Ledger, commit: LedgerCommit, number: string): string {
  const [subject = '', , ...body] = commit.message.split('\n');
  const { diff } = makePatch(filesBefore(ledger, commit), commit.files);
  return [
    `From ${commit.id ?? '0'.repeat(40)} ${MAILBOX_DATE}`,
    `From: ${AUTHOR.name} <${AUTHOR.email}>`,
    `Date: ${mailDate(commit.atSeconds)}`,
    `Subject: [PATCH ${number}] ${encoded(subject)}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=UTF-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    ...body.slice(0, -1),
    '---',
    '',
    `${diff}-- `,
    'nightshift',
    '',
    '',
  ].join('\n');
}

function mailDate(atSeconds: number): string {
  return new Date(atSeconds * 1000).toUTCString().replace('GMT', '+0000');
}

/** A header's text: as it is in ASCII, else in encoded words, never cut within a character. */
function encoded(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return text;
  const words: string[] = [''];
  for (const character of text) {
    const word = words.at(-1) as string;
    if (Buffer.byteLength(word + character) > ENCODED_BYTES) words.push(character);
    else words[words.length - 1] = word + character;
  }
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\n ');
}
