// SPDX-License-Identifier: Apache-2.0
// The first view: what costs most, where, why and what to try; what was run, and what is to be known of the recording.

import {button, el} from './dom.js';
import {findingAmount, functionNamed, gainText, placeLinks} from './finding_links.js';
import {shorten} from './flame_text.js';
import {bytesText, countText, percentText, timeText} from './format.js';
import {blocksText, hasVerdicts} from './leak_rows.js';
import {moodIcon, worstMood} from './moods.js';
import {PlaceMenus} from './place_menus.js';
import {exitMood} from './process_rows.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./finding_links.js').Finding} Finding */
/** @typedef {import('./finding_links.js').FindingPlace} FindingPlace */

const kPlacesOfFinding = 4;
const kCallersOfPlace = 6;
const kNameRoomOfPlace = 72;  // characters
const kListed = 12;
const kMostRegionRows = 1000;

/** @type {import('./page.js').View} */
export const kSummaryView = {
  name: 'summary', title: 'Summary', key: '0',
  make(context) {
    const {recordings} = context.model;
    const menus = new PlaceMenus(context);
    const summaries = recordings.map((recording, which) => el('section', {class: 'report', 'aria-label': `Summary of ${recording.meta.title}`},
        recordings.length > 1 ? el('h2', {}, `${which === 0 ? 'Base' : 'New'}: ${recording.meta.title}`) : null,
        runFacts(recording), ...findingsOf(context, menus, recording), ...regionsOf(recording), ...notesOf(context, recording)));
    const element = el('div', {class: 'reports' + (recordings.length > 1 ? ' beside' : '')}, ...summaries);
    menus.listen(element);
    return {element, update() {}, keys: [menus.key]};
  },
};

/** @param {string} name @param {string} value @param {string} [more] @param {string} [mood] */
function tile(name, value, more = '', mood = '') {
  return el('div', {class: 'tile'}, el('dt', {}, name), el('dd', {class: mood || null}, value, more ? el('span', {class: 'dim'}, more) : null));
}

/** @param {Recording} recording */
function runFacts({meta, processes, threads, durationNs}) {
  const tiles = [tile('Ran for', timeText(durationNs), whenText(meta.start_realtime_ns))];
  const cpu = processes.reduce((sum, process) => sum + process.cpu, 0);
  if (cpu > 0) tiles.push(tile('CPU time', timeText(cpu), `${(cpu / durationNs).toFixed(2)} processors on average`));
  if (processes.length > 1 || threads.length > 1) tiles.push(tile('Ran', `${countText(processes.length)} process${processes.length === 1 ? '' : 'es'}`, `${countText(threads.length)} thread${threads.length === 1 ? '' : 's'}`));
  const heap = meta.heap_summary;
  if (heap) {
    const about = heap.mode === 'sampled' ? 'about ' : '';
    tiles.push(tile('Heap peak', about + bytesText(heap.peak_bytes), processes.length > 1 ? 'each process at its own' : `at ${timeText(heap.peak_time_ns)}`));
    tiles.push(tile('Allocated', about + bytesText(heap.allocated_bytes), `${about}${countText(heap.allocations)} allocations`));
  }
  if (meta.leak_summary && hasVerdicts(meta)) tiles.push(leakTile(meta));
  if (processes.length > 0 && processes[0].exit) {
    const {icon, mood, text} = exitMood(processes[0].exit);
    tiles.push(tile('End', `${icon} ${text}`, processes.length > 1 ? processes[0].name : '', mood));
  }
  const where = [meta.host, meta.kernel && `Linux ${meta.kernel}`, meta.version && `flarestack ${meta.version}`].filter(Boolean).join(' · ');
  return el('div', {class: 'run'}, el('pre', {class: 'command', tabindex: 0, 'aria-label': 'Command'}, meta.command.map(shellWord).join(' ') || meta.title), el('p', {class: 'dim'}, where), el('dl', {class: 'tiles'}, ...tiles));
}

// What each part of the run that the program named has cost.
/** @param {Recording} recording @returns {Node[]} */
function regionsOf({regions, meta}) {
  if (regions.length === 0) return [];
  const hasHeap = meta.heap !== 'none';
  const row = (/** @type {import('./recording.js').Region} */ region) => el('tr', {},
      el('td', {class: 'wide', style: `padding-left:${14 * region.depth}px`, title: region.path}, el('code', {}, region.name)),
      ...[countText(region.calls), timeText(region.wall_ns), timeText(region.self_wall_ns), timeText(region.cpu_ns),
        ...(hasHeap ? [bytesText(region.allocated_bytes), signedBytes(region.live_delta_bytes), bytesText(region.peak_bytes)] : [])]
          .map((text) => el('td', {class: 'number'}, text)));
  const table = (/** @type {import('./recording.js').Region[]} */ rows) => el('table', {class: 'places-table regions'},
      el('thead', {}, el('tr', {}, el('th', {scope: 'col'}, 'Region'),
          ...['Calls', 'Wall', 'Self', 'CPU', ...(hasHeap ? ['Allocated', 'Left', 'Most of a call'] : [])].map((name) => el('th', {class: 'number', scope: 'col'}, name)))),
      el('tbody', {}, ...rows.map(row)));
  const more = regions.slice(kListed);
  return [
    el('h2', {}, 'Regions', el('span', {class: 'dim'}, '  parts of the run that the program named')), table(regions.slice(0, kListed)),
    ...(more.length > 0 ? [el('details', {}, el('summary', {}, `${countText(more.length)} more regions`), table(more.slice(0, kMostRegionRows)),
        more.length > kMostRegionRows ? el('p', {class: 'dim'}, `and ${countText(more.length - kMostRegionRows)} that flarestack report lists`) : null)] : []),
  ];
}

/** @param {number} bytes */
function signedBytes(bytes) {
  return bytes < 0 ? '-' + bytesText(-bytes) : bytesText(bytes);
}

// As it would be typed.
/** @param {string} word */
function shellWord(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

// Of a run that was not looked at as a whole it is not said that nothing leaked.
/** @param {any} meta */
function leakTile({leak_summary: {definitely_lost: definite, indirectly_lost: indirect}, no_verdict: unjudged = []}) {
  const blocks = definite.blocks + indirect.blocks;
  const but = unjudged.length > 0 ? `no verdict of ${countText(unjudged.length)} process${unjudged.length === 1 ? '' : 'es'}` : '';
  if (blocks > 0) return tile('Leaked', bytesText(definite.bytes + indirect.bytes), [blocksText(blocks), but].filter(Boolean).join('; '), 'bad');
  return but ? tile('Leaked', 'nothing found', but) : tile('Leaked', '✓ nothing', '', 'good');
}

/** @param {string} realtimeNs */
function whenText(realtimeNs) {
  const date = new Date(Number(realtimeNs) / 1e6);
  return realtimeNs && Number(realtimeNs) > 0 && !Number.isNaN(date.getTime()) ? date.toISOString().slice(0, 19).replace('T', ' ') + ' UTC' : '';
}

/** @param {Context} context @param {PlaceMenus} menus @param {Recording} recording @returns {Node[]} */
function findingsOf(context, menus, recording) {
  /** @type {Finding[]} */
  const findings = recording.meta.findings;
  const remarks = /** @type {string[]} */ (recording.meta.remarks || []);
  return [
    el('h2', {}, 'Bottlenecks', el('span', {class: 'dim'}, findings.length > 0 ? '  by what each could win at most; what is only possible counts less' : '')),
    findings.length > 0 ? el('ol', {class: 'findings'}, ...findings.map((finding) => findingCard(context, menus, recording, finding))) :
        el('p', {}, remarks.length > 0 ? '' : 'Nothing stands out.'),
    ...remarks.map((remark) => el('p', {class: 'note'}, moodIcon('note'), ...prose(remark))),
  ];
}

// What stands between backticks is code.
/** @param {string} text @returns {(Node|string)[]} */
function prose(text) {
  return text.split('\x60').map((part, i) => (i % 2 === 1 ? el('code', {}, part) : part));
}

/** @param {Context} context @param {PlaceMenus} menus @param {Recording} recording @param {Finding} finding */
function findingCard(context, menus, recording, finding) {
  const line = (/** @type {string} */ label, /** @type {string} */ text) => (text ? el('p', {class: 'line'}, el('b', {}, label), ...prose(text)) : null);
  const shown = finding.places.slice(0, kPlacesOfFinding);
  const hidden = finding.places.slice(kPlacesOfFinding);
  return el('li', {class: 'finding'},
      el('div', {class: 'finding-head'}, el('h3', {title: finding.title}, shorten(finding.title, 2 * kNameRoomOfPlace)), el('span', {class: 'gain'}, gainText(finding))),
      el('div', {class: 'win', 'aria-hidden': 'true'}, el('i', {style: `width:${(100 * Math.min(1, Math.max(0, finding.win))).toFixed(1)}%`})),
      el('p', {class: 'dim'}, findingAmount(finding), finding.confidence !== 'sure' ? ` · ${finding.confidence}` : '',
          finding.samples > 0 ? ` · ${countText(finding.samples)} samples` : ''),
      el('ul', {class: 'places'}, ...shown.map((place) => placeItem(context, menus, recording, finding, place))),
      hidden.length > 0 ? el('details', {}, el('summary', {}, `${hidden.length} more places`), el('ul', {class: 'places'}, ...hidden.map((place) => placeItem(context, menus, recording, finding, place)))) : null,
      finding.places_left_out ? el('p', {class: 'dim'}, `and ${countText(finding.places_left_out)} places with less, which this page has not`) : null,
      line('Why', finding.why), line('Try', finding.try), ...finding.hints.map(hintBox));
}

/** @param {Context} context @param {PlaceMenus} menus @param {Recording} recording @param {Finding} finding @param {FindingPlace} place */
function placeItem(context, menus, recording, finding, place) {
  const [frame, ...callers] = place.path;
  const links = placeLinks(finding, place, recording).filter(({state}) => context.views.includes(state.view || ''));
  return menus.mark(el('li', {},
      el('div', {class: 'place'},
          el('span', {class: 'share'}, percentText(finding.amount > 0 ? place.amount / finding.amount : 0)),
          el('code', {class: 'place-name', title: frame ? frame.function : null}, frame ? shorten(frame.function, kNameRoomOfPlace) : 'the whole program'),
          frame && frame.line ? el('span', {class: 'dim', title: frame.file}, `${frame.file.split('/').slice(-2).join('/')}:${frame.line}`) : null,
          frame && frame.module ? el('span', {class: 'dim'}, frame.module) : null,
          place.call ? el('span', {}, 'calls ', el('code', {title: place.call}, shorten(place.call, kNameRoomOfPlace))) : null,
          el('span', {class: 'links'}, ...links.map(({text, title, state}) => button(text, () => context.store.set(state), {'class': 'small', title, 'aria-label': `${text}: ${title}`})))),
      callers.length > 0 ? el('div', {class: 'callers'}, callers.slice(0, kCallersOfPlace).map((caller) => `‹ ${shorten(caller.function, kNameRoomOfPlace)}`).join('  ')) : null,
      place.matter ? el('p', {class: 'line'}, el('b', {}, 'Here'), ...prose(place.matter)) : null,
      place.try ? el('p', {class: 'line'}, el('b', {}, 'Try'), ...prose(place.try)) : null), {func: frame ? functionNamed(context.functions, frame.function, frame.module) : -1});
}

/** @param {import('./finding_links.js').FindingHint} hint */
function hintBox(hint) {
  return el('div', {class: 'hint'},
      el('p', {class: 'line'}, el('b', {}, 'Code'), `${percentText(hint.share)} ${hint.title} (${hint.confidence})`),
      el('pre', {tabindex: 0, 'aria-label': 'Instructions'}, hint.instructions.map(({intel, leads_to: leadsTo, file, line, offset}) =>
        `${intel.replace(/ {2,}/g, '  ')}    ; ${[leadsTo, line ? `${file.split('/').pop()}:${line}` : offset].filter(Boolean).join(', ')}`).join('\n')),
      el('p', {class: 'line'}, el('b', {}, 'Why'), ...prose(hint.why)), el('p', {class: 'line'}, el('b', {}, 'Try'), ...prose(hint.remedy)));
}

/** @param {Context} context @param {Recording} recording @returns {Node[]} */
function notesOf({store}, {meta, processes}) {
  /** @type {Node[]} */
  const parts = [];
  const list = (/** @type {string} */ title, /** @type {(Node|string)[]} */ entries, /** @type {string} */ mood) => {
    if (entries.length === 0) return;
    parts.push(el('h2', {}, title), el('ul', {class: 'notes'}, ...entries.slice(0, kListed).map((entry) => el('li', {}, moodIcon(mood), entry)),
        entries.length > kListed ? el('li', {class: 'dim'}, `and ${entries.length - kListed} more`) : null));
  };
  list('Not recorded', meta.unrecorded.map((/** @type {any} */ {pid, command, reason}) => `${pid ? `process ${pid} (${command})` : command}: ${reason}`), 'note');
  list('Recorded from outside, without a heap', processes.filter(({reason}) => reason).map(({pid, name, reason}) => `${name} [${pid}]: ${reason}`), 'note');
  list('Notes', meta.notes, 'plain');
  const worst = worstMood(meta.quality);
  if (worst === 'bad' || worst === 'note') {
    parts.push(el('p', {}, moodIcon(worst), worst === 'bad' ? 'Something is wrong with this recording. ' : 'There is something to know about these numbers. ',
        button('Quality', () => store.set({view: 'quality'}), {class: 'small'})));
  }
  return parts;
}
