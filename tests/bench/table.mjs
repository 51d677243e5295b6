// Figures as cells and rows of a Markdown table.
import {Series} from './machine.mjs';

const KB_PER_KIB = 1.024;
const NOTHING = new Series();

// One of a group of series; an empty one where it was not measured.
export const one = (group, id) => group?.[id] ?? NOTHING;
export const plain = (value, digits = 0) => Number.isFinite(value)
    ? value.toLocaleString('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits}) : '-';
export const times = (ratio) => plain(ratio, ratio < 0.1 ? 3 : 2);
export const row = (...cells) => `| ${cells.join(' | ')} |\n`;
export const head = (...names) => row(...names) + row(...names.map((_, i) => i ? '---:' : '---')).replaceAll(' ', '');
export const withSpread = (series, name, digits = 0, factor = 1) => {
    const spread = series.spread(name);
    return spread ? `${plain(series.median(name) * factor, digits)} (${spread.map((value) => plain(value * factor, digits)).join(' to ')})` : '-';
};
export const megabytes = (kib) => kib * KB_PER_KIB / 1000;
