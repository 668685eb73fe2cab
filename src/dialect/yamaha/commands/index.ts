// All commands of a configuration, in the order in which they are printed at their place.
import type { Value } from '../../../config/schema/index.ts';
import type { Command } from '../command.ts';
import { accessCommands } from './access.ts';
import { filterCommands } from './filter.ts';
import { gatewayCommands } from './gateway.ts';
import { keptCommands } from './kept.ts';
import { natCommands } from './nat.ts';
import { networkCommands } from './network.ts';
import { peerCommands } from './peer.ts';
import { routerCommands } from './router.ts';
import { policyCommands, saCommands } from './sa.ts';
import { serviceCommands } from './services.ts';
import { syslogCommands } from './syslog.ts';
import { removeTunnel, tunnelCommands } from './tunnel.ts';

/** As a configuration has them: a tunnel, its policy, what is said of its gateway in the order of the alphabet. */
export const commands: readonly Command[] = [
  ...networkCommands,
  ...filterCommands,
  ...natCommands,
  ...tunnelCommands,
  ...policyCommands,
  ...gatewayCommands,
  ...saCommands,
  ...peerCommands,
  ...routerCommands,
  ...syslogCommands,
  ...serviceCommands,
  ...accessCommands,
  removeTunnel,
  ...keptCommands,
];

/** What a tunnel holds where nothing is said of it: Yamaha's defaults, which are not those of the schema. */
export const beginning: ReadonlyMap<string, Value | undefined> = new Map(
  commands.flatMap((c) => c.begins ?? []).filter(([, value]) => value !== undefined),
);
