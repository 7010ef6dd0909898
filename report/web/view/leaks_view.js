// SPDX-License-Identifier: Apache-2.0
// Leaks: what the last look at each process found, by verdict; who holds what; and the processes that nobody could
// look at.

import {button, choiceGroup, el, fill} from './dom.js';
import {bytesText, countText, timeText} from './format.js';
import {shorten} from './flame_text.js';
import {leakDetails} from './leak_details.js';
import {amountText, blocksText, hasVerdicts, kLeakGroups, leakRows, orderedRows, leakPlaceText, sizeText, wantedRows} from './leak_rows.js';
import {searchExpression} from './model.js';
import {moodIcon} from './moods.js';
import {PlaceMenus} from './place_menus.js';
import {causeText} from './timeline_marks.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./leak_rows.js').LeakRow} LeakRow */

const kPage = 100;  // rows at a time
const kShownFirst = 'definitely_lost,possibly_lost';

/** @type {{key: string, title: string, number: boolean}[]} */
const kColumns = [
  {key: 'verdict', title: 'Verdict', number: false}, {key: 'bytes', title: 'Bytes', number: true}, {key: 'behind', title: 'Behind', number: true},
  {key: 'blocks', title: 'Blocks', number: true}, {key: 'size', title: 'Size', number: true}, {key: 'first', title: 'Age', number: true},
  {key: 'place', title: 'Place', number: false},
];

/** @type {import('./page.js').View} */
export const kLeaksView = {
  name: 'leaks', title: 'Leaks', key: '7',
  offered: ({model}) => model.recordings.some(({meta}) => meta.leak_checks.length > 0 || (meta.no_verdict || []).length > 0),
  make: (context) => new LeaksView(context),
};

class LeaksView {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    this.recordings = context.model.recordings.filter(({meta}) => meta.leak_checks.length > 0 || (meta.no_verdict || []).length > 0);
    this.recording = this.recordings[this.recordings.length - 1];  // of two, the newer at first
    this.hasShown = false;
    /** @type {LeakRow[]} */
    this.all = [];
    this.shown = kPage;
    /** @type {Set<LeakRow>} */
    this.open = new Set();
    /** @type {LeakRow[]} */
    this.rows = [];
    this.groups = el('div', {class: 'leak-groups', role: 'group', 'aria-label': 'Verdicts'});
    this.choice = choiceGroup('Leaks of', [{value: 'base', text: 'Base'}, {value: '', text: 'New'}], (which) => context.store.setExtra('leaks.of', which));
    this.title = el('span', {class: 'dim'});
    this.checks = el('div', {});
    this.body = el('tbody', {});
    this.head = el('tr', {});
    this.found = el('p', {class: 'dim', role: 'status'});
    this.more = button('', () => this.showMore(), {class: 'small'});
    this.table = el('table', {class: 'leaks'}, el('caption', {class: 'unseen'}, 'Leaks by call path'), el('thead', {}, this.head), this.body);
    this.table.addEventListener('keydown', (event) => this.onKey(event));
    this.judged = el('div', {}, this.groups, this.found, this.table, this.more);
    this.element = el('div', {class: 'reports'}, el('div', {class: 'report wide'},
        el('h2', {class: 'unseen'}, 'Leaks'), this.recordings.length > 1 ? el('div', {class: 'row'}, this.choice.element, this.title) : null, this.judged, this.checks));
    this.drawn = '';
    this.menus = new PlaceMenus(context);
    this.menus.listen(this.element);
    this.keys = [this.menus.key, ...kLeakGroups.map(({name, title}, i) => ({key: 'dipsxc'[i], text: `show or hide what is ${title}`, action: () => this.toggle(name)}))];
  }

  /** @param {ViewState} state @returns {Set<string>} the verdicts that are listed */
  groupsOf(state) {
    const text = state.extra['leaks.verdicts'];
    if (text !== undefined) return new Set(text.split(','));
    const first = kShownFirst.split(',').filter((name) => this.all.some(({group}) => group === name));
    return new Set(first.length > 0 ? first : kLeakGroups.map(({name}) => name));
  }
  /** @param {string} name */
  toggle(name) {
    const {store} = this.context;
    const groups = this.groupsOf(store.state);
    if (!groups.delete(name)) groups.add(name);
    store.setExtra('leaks.verdicts', [...groups].join(',') || 'none');
  }

  /** @param {import('./recording.js').Recording} recording */
  show(recording) {
    if (this.recording === recording && this.hasShown) return;
    this.hasShown = true;
    this.recording = recording;
    this.all = leakRows(recording.meta);
    this.open.clear();
    this.title.textContent = recording.meta.title;
    this.judged.hidden = !hasVerdicts(recording.meta);
    fill(this.checks, this.judged.hidden ? el('p', {class: 'note'}, moodIcon('note'), 'Whether anything leaked is not known: there is a verdict of no process.') : null, ...checksOf(recording), ...noVerdictOf(recording.meta));
  }

  /** @param {ViewState} state */
  update(state) {
    const text = JSON.stringify([state.search, state.process, state.thread, state.ranges, state.extra]);
    if (text === this.drawn) return;
    this.drawn = text;
    this.show(this.recordings[state.extra['leaks.of'] === 'base' ? 0 : this.recordings.length - 1]);
    this.choice.update(state.extra['leaks.of'] || '');
    const {recording} = this;
    const groups = this.groupsOf(state);
    const expression = state.search ? searchExpression(state.search).expression : null;
    const wanted = {
      groups: new Set(kLeakGroups.map(({name}) => name)), test: expression ? (/** @type {string} */ each) => expression.test(each) : null,
      ...chosenIds(this.context, recording, state), range: state.ranges[state.ranges.length - 1] || null,
    };
    const inFilter = wantedRows(this.all, wanted);
    this.showGroups(inFilter, groups);
    const [key, descending] = leakOrder(state);
    this.rows = orderedRows(wantedRows(inFilter, {...wanted, groups}), key, descending);
    this.showHead(key, descending);
    this.shown = kPage;
    this.showRows();
    const {bytes, blocks} = this.rows.reduce((sum, {site}) => ({bytes: sum.bytes + site.bytes, blocks: sum.blocks + site.blocks}), {bytes: 0, blocks: 0});
    const leftOut = recording.meta.leak_sites_left_out || 0;
    this.found.textContent = `${countText(this.rows.length)} place${this.rows.length === 1 ? '' : 's'}, ${amountText({bytes, blocks})}` +
        (wanted.range ? ', allocated in the range' : '') + (expression ? `, with “${state.search}”` : '') + (leftOut > 0 ? `; ${countText(leftOut)} smaller places are not in this file` : '');
  }

  /** @param {LeakRow[]} rows @param {Set<string>} groups */
  showGroups(rows, groups) {
    const summary = this.recording.meta.leak_summary || {};
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.group : undefined;
    const isWhole = rows.length === this.all.length;
    fill(this.groups, ...kLeakGroups.map(({name, title, icon, mood, help}) => {
      const of = rows.filter(({group}) => group === name);
      const sum = of.reduce((all, {site}) => ({bytes: all.bytes + site.bytes, blocks: all.blocks + site.blocks}), {bytes: 0, blocks: 0});
      const amount = isWhole && summary[name] ? summary[name] : sum;  // of all, whatever sites are in the file
      const is = amount.blocks > 0 ? mood : 'plain';
      return el('button', {'type': 'button', 'class': `tile verdict ${is}`, 'aria-pressed': String(groups.has(name)), 'data-group': name, 'title': help,
        'disabled': of.length === 0, 'onclick': () => this.toggle(name)},
      el('span', {class: 'name'}, el('span', {'class': 'mood', 'aria-hidden': 'true'}, icon), title), el('span', {class: 'value'}, bytesText(amount.bytes)), el('span', {class: 'dim'}, blocksText(amount.blocks)));
    }));
    if (focused) /** @type {HTMLElement|null} */ (this.groups.querySelector(`[data-group="${focused}"]`))?.focus();
  }

  /** @param {string} key @param {boolean} descending */
  showHead(key, descending) {
    const {store} = this.context;
    const focused = this.head.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.key : undefined;
    fill(this.head, ...kColumns.map(({key: of, title, number}) => {
      const isKey = of === key;
      return el('th', {'scope': 'col', 'class': number ? 'number' : null, 'aria-sort': isKey ? (descending ? 'descending' : 'ascending') : null},
          el('button', {'type': 'button', 'class': 'sort', 'data-key': of, 'onclick': () => store.setExtra('leaks.sort', (isKey && descending ? '-' : '') + of, {push: false})},
              title, el('span', {'aria-hidden': 'true'}, isKey ? (descending ? ' ▾' : ' ▴') : '')));
    }));
    if (focused) /** @type {HTMLElement|null} */ (this.head.querySelector(`[data-key="${focused}"]`))?.focus();
  }

  showRows() {
    const {rows} = this;
    fill(this.body, ...rows.slice(0, this.shown).flatMap((row) => this.rowElements(row)));
    if (rows.length === 0) fill(this.body, el('tr', {}, el('td', {colspan: kColumns.length, class: 'dim'}, this.all.length === 0 ? '✓ Nothing is lost' : 'Nothing of this kind')));
    this.more.hidden = rows.length <= this.shown;
    this.more.textContent = `Show ${Math.min(kPage, rows.length - this.shown)} more of ${countText(rows.length - this.shown)}`;
  }
  showMore() {
    this.shown += kPage;
    this.showRows();
    /** @type {HTMLElement|undefined} */ (this.body.querySelectorAll('button.expand')[this.shown - kPage])?.focus();
  }

  /** @param {LeakRow} row */
  rowElements(row) {
    const {site, group} = row;
    const {icon, title, mood} = kLeakGroups.find(({name}) => name === group) || kLeakGroups[0];
    const frame = site.stack[row.place];
    const details = el('tr', {class: 'leak-detail-row', hidden: !this.open.has(row)}, el('td', {colspan: kColumns.length}));
    const fillDetails = () => { if (!details.hidden) fill(/** @type {HTMLElement} */ (details.firstChild), leakDetails(this.context, this.menus, this.recording, row)); };
    fillDetails();
    const expand = el('button', {'type': 'button', 'class': 'expand', 'aria-expanded': String(!details.hidden), 'onclick': () => {
      details.hidden = !details.hidden;
      if (details.hidden) this.open.delete(row);
      else this.open.add(row);
      expand.setAttribute('aria-expanded', String(!details.hidden));
      fillDetails();
    }}, el('code', {}, leakPlaceText(row)), frame && frame.line ? el('span', {class: 'dim', title: frame.function}, shorten(frame.function, 80)) : null);
    const number = (/** @type {string} */ text) => el('td', {class: 'number'}, text);
    const line = el('tr', {class: 'leak-row'},
        el('td', {class: site.blocks > 0 && mood !== 'plain' ? mood : null}, el('span', {'class': 'mood', 'aria-hidden': 'true'}, icon), title),
        number(bytesText(site.bytes)), number(site.indirectly_lost_blocks > 0 ? `+ ${bytesText(site.indirectly_lost_bytes)}` : ''), number(countText(site.blocks)),
        number(sizeText(site)), number(timeText(Math.max(0, this.recording.durationNs - site.first_ns))), el('td', {class: 'wide'}, expand));
    line.addEventListener('click', (event) => { if (event.target instanceof Element && !event.target.closest('button')) expand.click(); });
    return [line, details];
  }

  // Arrows go from row to row.
  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    const buttons = /** @type {HTMLElement[]} */ ([...this.body.querySelectorAll('button.expand')]);
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (!step || at < 0) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))].focus();
  }
}

// Sites say pids and tids. Of a filter that means nothing of this recording: none.
/** @param {Context} context @param {import('./recording.js').Recording} recording @param {ViewState} state */
function chosenIds({model}, recording, state) {
  const {process, thread} = model.filter(state, model.recordings.indexOf(recording));
  const id = (/** @type {number} */ index, /** @type {number|undefined} */ of) => (index === -1 ? 0 : of ?? -1);
  return {pid: id(process, recording.processes[process]?.pid), tid: id(thread, recording.threads[thread]?.tid)};
}

/** @param {ViewState} state @returns {[string, boolean]} */
function leakOrder(state) {
  const text = state.extra['leaks.sort'] || 'bytes';
  return [text.replace(/^-/, ''), !text.startsWith('-')];
}

/** @param {import('./recording.js').Recording} recording @returns {Node[]} */
function checksOf({meta, processes}) {
  if (meta.leak_checks.length === 0) return [];
  return [el('h3', {}, 'Looks at live blocks'), el('ul', {class: 'notes'}, ...meta.leak_checks.slice(0, 50).map((/** @type {any} */ check) => {
    const process = processes[check.process];
    return el('li', {}, moodIcon(check.problem ? 'bad' : 'plain'), `${process ? `${process.name} [${process.pid}]` : 'a process'} at ${timeText(check.time_ns)}, ${causeText(check.cause)}: ` +
        `${amountText(check)} looked at, stopped for ${timeText(check.pause_ns)}`, check.problem ? el('span', {class: 'bad'}, `; ${check.problem}`) : null);
  }), meta.leak_checks.length > 50 ? el('li', {class: 'dim'}, `and ${meta.leak_checks.length - 50} more`) : null)];
}

/** @param {any} meta @returns {Node[]} */
function noVerdictOf(meta) {
  /** @type {{pid: number, program: string, reason: string}[]} */
  const processes = meta.no_verdict || [];
  if (processes.length === 0) return [];
  const reasons = new Map();
  for (const {pid, program, reason} of processes) reasons.set(reason, [...(reasons.get(reason) || []), `${program} [${pid}]`]);
  return [el('h3', {}, 'No verdict'), el('ul', {class: 'notes'}, ...[...reasons].map(([reason, names]) => el('li', {}, moodIcon('note'),
      `${names.slice(0, 6).join(', ')}${names.length > 6 ? ` and ${names.length - 6} more processes` : ''}: ${reason}`)))];
}
