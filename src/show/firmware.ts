// What the slots hold, and what becomes of an update.

export type FirmwareView = {
  readonly version: string;
  /** The slot that runs; absent on a machine that was not started from an image. */
  readonly slot?: string;
  readonly slots: readonly { readonly name: string; readonly good: boolean; readonly version: string }[];
  /** An update that has not shown yet that it may stay. */
  readonly trial?: { readonly from: string; readonly to: string; readonly missing: readonly string[] };
  /** What became of the last one. */
  readonly outcome?: string;
  readonly installing?: {
    readonly percent: number;
    readonly message: string;
    readonly done: boolean;
    readonly error?: string;
  };
};

export function showFirmware({ version, slot, slots, trial, outcome, installing }: FirmwareView): string {
  const lines = [
    slot === undefined
      ? `Sekisho ${version}, on a machine that was not started from an image`
      : `Sekisho ${version}, started from slot ${slot}`,
    ...slots.map(({ name, good, version: there }) => {
      if (there === '' && name !== slot && !good) return `  slot ${name}: nothing to start`;
      const what = name === slot ? `runs, ${version}` : there === '' ? 'as it came' : there;
      const state = trial?.to === name ? 'on trial' : good ? 'good' : 'not to be started';
      return `  slot ${name}: ${what}, ${state}`;
    }),
    ...(installing
      ? [
          installing.error ??
            `Update: ${installing.message}${installing.done ? '' : ` (${installing.percent}%)`}`,
        ]
      : []),
    ...(trial
      ? [
          trial.to === slot
            ? `On trial after slot ${trial.from}: ${trial.missing.join(', ') || 'being looked at'}`
            : `Slot ${trial.to} is tried at the next start`,
        ]
      : []),
    ...(outcome ? [`Last update: ${outcome}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
