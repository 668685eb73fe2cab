// A configuration while commands change it. Yamaha knows three numbers for what is one interface here: the tunnel, the
// policy that is bound to it, and the gateway that the policy negotiates with; each comes into being when it is named first.
import { findLeaf, type Value } from '../../config/schema/index.ts';
import { IPSEC_INTERFACES } from '../../config/schema/interface-ipsec.ts';
import { emptyTree, Tree } from '../../config/tree.ts';

/** Tunnel 1 is ipsec0. */
export const TUNNELS = IPSEC_INTERFACES;

/** The policy of a tunnel where nothing else is said. */
const POLICY_BEYOND = 100;

/** Settings of an interface that are the tunnel's, and stay with it when another policy is bound. */
const OF_TUNNEL =
  /^(?:administration|description|mtu|tx-tos-set|tx-df-set|ipv4\.(?:address|remote|tcp-mss)|ipv6\.forward|yamaha\.(?:encapsulation|tunnel-type|ipcomp|follow-df-bit))$/;

/** Those of the policy; the rest is the gateway's. */
const OF_POLICY =
  /^(?:yamaha\.policy|esn|anti-replay-window|ike\.proposal\.phase2\.(?:encryption|authentication)\..*)$/;

/** A command's word that the setting behind it cannot be. */
export class Unfit extends Error {}

export class Draft {
  #tree = new Map<string, Value>();
  /** What stood at each path before the present attempt. */
  readonly #undo = new Map<string, Value | undefined>();
  /** Paths by their first two segments: lists there may be long. */
  readonly #sections = new Map<string, Set<string>>();
  /** Interfaces that exist, each with its settings' paths behind "interface.ipsecN.". */
  readonly #objects = new Map<number, Set<string>>();
  readonly #gateways = new Map<number, number>();
  readonly #policies = new Map<number, number>();
  /** What a tunnel begins with: path behind "interface.ipsecN." to value. */
  readonly #beginning: ReadonlyMap<string, Value | undefined>;

  constructor(tree: Tree = emptyTree, beginning: ReadonlyMap<string, Value | undefined> = new Map()) {
    this.#beginning = beginning;
    this.#load(new Map(tree.entries()));
  }

  /** Runs a change; where it comes to a sentence, or to an unfit value, nothing has changed. */
  attempt(change: () => string | undefined): string | undefined {
    this.#undo.clear();
    let wrong: string | undefined;
    try {
      wrong = change();
    } catch (e) {
      if (!(e instanceof Unfit)) throw e;
      wrong = e.message;
    }
    if (wrong === undefined) return undefined;
    const before = new Map(this.#tree);
    for (const [path, value] of this.#undo) {
      if (value === undefined) before.delete(path);
      else before.set(path, value);
    }
    this.#load(before);
    return wrong;
  }

  /** The settings that the last attempt changed. */
  touched(): string[] {
    return [...this.#undo].filter(([path, before]) => this.#tree.get(path) !== before).map(([path]) => path);
  }

  #write(path: string, value: Value | undefined): void {
    if (!this.#undo.has(path)) this.#undo.set(path, this.#tree.get(path));
    if (value === undefined) this.#tree.delete(path);
    else this.#tree.set(path, value);
  }

  #load(tree: Map<string, Value>): void {
    this.#tree = tree;
    this.#sections.clear();
    this.#objects.clear();
    this.#gateways.clear();
    this.#policies.clear();
    for (const path of tree.keys()) this.#note(path);
    for (const n of this.#objects.keys()) this.#number(n);
  }

  tree(): Tree {
    return new Tree(this.#tree);
  }

  get(path: string): Value | undefined {
    return this.#tree.get(path) ?? findLeaf(path)?.leaf.default;
  }

  configured(path: string): Value | undefined {
    return this.#tree.get(path);
  }

  /** Undefined, or what holds anyway, takes the setting away. */
  set(path: string, value: Value | undefined): void {
    const found = findLeaf(path);
    if (!found) throw new TypeError(`there is no key ${path}`);
    const { type } = found.leaf;
    if (value !== undefined && type.parse(type.print?.(value) ?? String(value)) !== value)
      throw new Unfit(`${path} must be ${type.allowed}`);
    if (value === undefined || value === found.leaf.default) this.#write(path, undefined);
    else this.#write(path, value);
    this.#note(path);
  }

  /** An ordered list as a whole: `list('…encryption.', '.algorithm', ['aes256'])`. */
  setList(prefix: string, suffix: string, values: readonly Value[]): void {
    for (const path of this.below(prefix)) if (path.endsWith(suffix)) this.#write(path, undefined);
    const holds = findLeaf(`${prefix}0${suffix}`)?.leaf.listDefault;
    if (holds && String(holds) === String(values)) return;
    for (const [i, value] of values.entries()) this.set(`${prefix}${i}${suffix}`, value);
  }

  list(prefix: string, suffix: string): readonly Value[] {
    const index = (path: string) => Number(/^\d+/.exec(path.slice(prefix.length))?.[0]);
    const paths = this.below(prefix).filter((path) => path.endsWith(suffix));
    const values = paths.sort((a, b) => index(a) - index(b)).map((path) => this.#tree.get(path) as Value);
    return values.length > 0 ? values : (findLeaf(`${prefix}0${suffix}`)?.leaf.listDefault ?? []);
  }

  /** Configured paths that begin with a prefix. */
  below(prefix: string): string[] {
    const own = /^interface\.ipsec(\d+)\./.exec(prefix);
    const among = own
      ? [...(this.#objects.get(Number(own[1])) ?? [])].map((rest) => `interface.ipsec${own[1]}.${rest}`)
      : [...(this.#sections.get(sectionOf(prefix)) ?? this.#tree.keys())];
    return among.filter((path) => path.startsWith(prefix) && this.#tree.has(path));
  }

  /** The numbers that are configured right behind a prefix, in order: numbers('route.ipv4.'). */
  numbers(prefix: string): number[] {
    const found = this.below(prefix).map((path) => Number(path.slice(prefix.length).split('.')[0]));
    return [...new Set(found)].filter(Number.isInteger).sort((a, b) => a - b);
  }

  /** Takes away all below a prefix. */
  forget(prefix: string): void {
    for (const path of this.below(prefix)) this.set(path, undefined);
  }

  #note(path: string): void {
    const section = sectionOf(path);
    this.#sections.set(section, (this.#sections.get(section) ?? new Set()).add(path));
    const own = /^interface\.ipsec(\d+)\.(.*)$/.exec(path);
    if (!own) return;
    const n = Number(own[1]);
    const rest = this.#objects.get(n) ?? new Set();
    this.#objects.set(n, rest.add(own[2]));
  }

  /** The interfaces that exist, in order. */
  objects(): number[] {
    return [...this.#objects.keys()].sort((a, b) => a - b);
  }

  gatewayOf(n: number): number {
    return Number(this.configured(`interface.ipsec${n}.yamaha.gateway`) ?? n + 1);
  }

  policyOf(n: number): number {
    return Number(this.configured(`interface.ipsec${n}.yamaha.policy`) ?? n + 1 + POLICY_BEYOND);
  }

  #number(n: number): void {
    this.#gateways.set(this.gatewayOf(n), n);
    this.#policies.set(this.policyOf(n), n);
  }

  /** The interface of a tunnel; it begins taken down. */
  tunnel(t: number): number {
    const n = t - 1;
    if (!this.#objects.has(n)) this.#begin(n);
    return n;
  }

  /** The interface whose gateway has this number; where none is bound to a tunnel yet, one that waits for it. */
  gateway(g: number): number {
    const bound = this.#gateways.get(g);
    if (bound !== undefined) return bound;
    const n = this.#free(g - 1);
    this.#begin(n);
    this.#rename(n, { gateway: g });
    return n;
  }

  /** The interface of a policy and its gateway, bound to each other from here on. */
  policy(p: number, g: number): number {
    const gateway = this.gateway(g);
    const policy = this.#policies.get(p);
    if (policy === gateway) return gateway;
    if (policy === undefined) {
      this.#keep(
        gateway,
        (rest) => OF_POLICY.test(rest),
        `gateway ${g} has policy ${this.policyOf(gateway)} already`,
      );
      this.#rename(gateway, { policy: p });
      return gateway;
    }
    const other = (rest: string) => !OF_TUNNEL.test(rest) && !OF_POLICY.test(rest);
    this.#keep(policy, other, `policy ${p} has gateway ${this.gatewayOf(policy)} already`);
    const ofGateway = (rest: string) => !OF_TUNNEL.test(rest) && !OF_POLICY.test(rest);
    this.#move(gateway, policy, ofGateway);
    this.#release(gateway);
    this.#rename(policy, { gateway: g });
    this.#settle(gateway, ofGateway);
    return policy;
  }

  /** Binds a policy, with its gateway, to a tunnel. */
  bind(t: number, p: number): void {
    const n = this.tunnel(t);
    const holder = this.#policies.get(p);
    if (holder === n) return;
    if (holder === undefined) {
      this.#keep(n, (rest) => OF_POLICY.test(rest), `tunnel ${t} has policy ${this.policyOf(n)} already`);
      return this.#rename(n, { policy: p });
    }
    this.#keep(n, (rest) => !OF_TUNNEL.test(rest), `tunnel ${t} has policy ${this.policyOf(n)} already`);
    const gateway = this.gatewayOf(holder);
    const bound = (rest: string) => !OF_TUNNEL.test(rest);
    this.#move(holder, n, bound);
    this.#release(holder);
    this.#rename(n, { policy: p, gateway });
    this.#settle(holder, bound);
  }

  /** Nothing that was configured is lost by a new binding: whoever means it takes the tunnel away first. */
  #keep(n: number, which: (rest: string) => boolean, why: string): void {
    const own = this.#rests(n).filter((rest) => which(rest) && !NUMBERS.test(rest));
    const changed = own.find(
      (rest) => this.#tree.get(`interface.ipsec${n}.${rest}`) !== this.#beginning.get(rest),
    );
    if (changed !== undefined)
      throw new Unfit(`${why}: take it away first by no tunnel select ${n + 1}, or change that one`);
  }

  #release(n: number): void {
    if (this.#gateways.get(this.gatewayOf(n)) === n) this.#gateways.delete(this.gatewayOf(n));
    if (this.#policies.get(this.policyOf(n)) === n) this.#policies.delete(this.policyOf(n));
  }

  /** Forgets an interface. */
  remove(n: number): void {
    this.#release(n);
    for (const path of this.below(`interface.ipsec${n}.`)) this.#write(path, undefined);
    this.#objects.delete(n);
  }

  #free(wish: number): number {
    if (wish < TUNNELS && !this.#objects.has(wish)) return wish;
    for (let n = TUNNELS - 1; n >= 0; n--) if (!this.#objects.has(n)) return n;
    throw new Unfit(`all ${TUNNELS} tunnels are taken`);
  }

  #begin(n: number): void {
    this.#objects.set(n, new Set());
    this.set(`interface.ipsec${n}.administration`, 'down');
    for (const [rest, value] of this.#beginning) this.set(`interface.ipsec${n}.${rest}`, value);
    this.#renumber(n);
  }

  #rename(n: number, numbers: { readonly gateway?: number; readonly policy?: number }): void {
    const at = `interface.ipsec${n}.yamaha`;
    this.#release(n);
    const { gateway = this.gatewayOf(n), policy = this.policyOf(n) } = numbers;
    this.set(`${at}.gateway`, gateway === n + 1 ? undefined : gateway);
    this.set(`${at}.policy`, policy === n + 1 + POLICY_BEYOND ? undefined : policy);
    this.#number(n);
  }

  /** Settings of one interface become another's; #settle the first afterwards. */
  #move(from: number, to: number, which: (rest: string) => boolean): void {
    const rests = (n: number) => this.#rests(n).filter((rest) => which(rest) && !NUMBERS.test(rest));
    for (const rest of rests(to)) this.#write(`interface.ipsec${to}.${rest}`, undefined);
    for (const rest of rests(from)) {
      const path = `interface.ipsec${from}.${rest}`;
      this.set(`interface.ipsec${to}.${rest}`, this.#tree.get(path));
      this.#write(path, undefined);
    }
  }

  #rests(n: number): string[] {
    const at = `interface.ipsec${n}.`;
    return this.below(at).map((path) => path.slice(at.length));
  }

  /** What was only there to hold what has moved goes; what is left of a tunnel begins anew. */
  #settle(n: number, moved: (rest: string) => boolean): void {
    const asBegun = (rest: string) =>
      rest === 'administration' ||
      NUMBERS.test(rest) ||
      this.#tree.get(`interface.ipsec${n}.${rest}`) === this.#beginning.get(rest);
    const idle = this.get(`interface.ipsec${n}.administration`) === 'down' && this.#rests(n).every(asBegun);
    for (const rest of this.#rests(n))
      if (idle || NUMBERS.test(rest)) this.#write(`interface.ipsec${n}.${rest}`, undefined);
    if (idle) {
      this.#objects.delete(n);
      return;
    }
    for (const [rest, value] of this.#beginning)
      if (moved(rest)) this.set(`interface.ipsec${n}.${rest}`, value);
    this.#renumber(n);
  }

  /** Its own numbers, unless others have them already. */
  #renumber(n: number): void {
    const gateway = unused(this.#gateways, n + 1);
    const policy = unused(this.#policies, n + 1 + POLICY_BEYOND);
    this.#rename(n, { gateway, policy });
  }
}

/** "route.ipv4" of "route.ipv4.0.gateway". */
function sectionOf(path: string): string {
  return path.split('.', 2).join('.');
}

const NUMBERS = /^yamaha\.(?:gateway|policy)$/;

function unused(numbers: ReadonlyMap<number, number>, wish: number): number {
  let number = wish;
  while (numbers.has(number)) number++;
  return number;
}
