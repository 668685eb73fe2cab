// Forms of Yamaha's commands (dialects.md B.4): carried out, kept, or refused by their names; none is a slip of the pen.
import { expect, test } from 'vitest';
import { parseYamaha } from '../../../src/dialect/yamaha/parse.ts';

const FORMS = `
ip lan1 address 192.168.1.1/24 broadcast 192.168.1.255
ip lan2 address dhcp
ip lan1 secondary address 192.168.9.1/24
ip lan1 mtu 1500
ip routing on
ip routing off
ip route default gateway 192.0.2.1 filter 1 gateway 192.0.2.2
ip route default gateway 192.0.2.1 metric 2
ip route default gateway 192.0.2.1 hide
ip route default gateway 192.0.2.1 weight 2
ip route default gateway 192.0.2.1 keepalive 1
ip route default gateway 192.0.2.1 gateway 192.0.2.2
ip route default gateway pp 1
ip route default gateway loopback1
ip route 10.0.0.0/8 gateway null
ip keepalive 1 icmp-echo 10 3 192.0.2.1 log=on
ip filter 1 pass * * tcp * www
ip filter 2 reject-log * * established
ip filter 3 pass * * tcpsyn * 80
ip filter 4 pass * * icmp-error
ip filter 5 pass * * icmp,esp
ip filter dynamic 1 * * tcp syslog=on
ip filter dynamic 1 * * tcp timeout=60
ip filter dynamic 1 * * filter 10 in 11
ip filter set a 1 2
ip lan2 secure filter in 1 2 dynamic 1
nat descriptor type 1 masquerade hairpin=on
nat descriptor type 1 nat-masquerade
nat descriptor address outer 1 192.0.2.2-192.0.2.5
nat descriptor address outer 1 secondary
nat descriptor address outer 1 map-e
nat descriptor address inner 1 auto
nat descriptor static 1 1 192.0.2.9=192.168.1.9 1
nat descriptor masquerade static 1 1 192.168.1.2 esp
nat descriptor masquerade incoming 1 reject
nat descriptor masquerade incoming 1 through
nat descriptor timer 1 protocol=tcp 900
nat descriptor masquerade port range 1 60000-64095
nat descriptor log off
ip lan2 nat descriptor 1 2
dhcp service server
dhcp scope 1 192.168.1.2-192.168.1.99/24 except 192.168.1.5
dhcp scope 1 192.168.1.2-192.168.1.99/24 maxexpire 24:00
dhcp scope bind 1 192.168.1.5 ethernet 02:00:5e:00:00:01
dhcp scope option 1 dns=192.168.1.1
dhcp scope lease type 1 bind-only
dhcp relay server 192.0.2.1
dhcp server rfc2131 compliant on
dns service recursive
dns server 192.0.2.1 edns=on
dns server pp 1
dns server dhcp lan2
dns server select 1 192.0.2.1 any example.jp
dns static a www.example.jp 192.0.2.1 ttl=60
ip host www.example.jp 192.0.2.1
dns host any
dns host lan1
dns host 192.168.1.2
dns private address spoof on
dns cache use on
dns cache max entry 256
pppoe use lan2
pp auth accept pap chap
syslog host 192.0.2.1
syslog facility local1
syslog notice on
syslog format type rfc5424
syslog execute command on
sshd service on
sshd host lan
sshd host 192.168.1.2
sshd host key generate
sshd auth method password publickey
telnetd service on
timezone jst
timezone +09:00
date 2026/11/23
time 12:00:00
ntpdate ntp.nict.jp
schedule at 1 */* 12:00 * ntpdate ntp.nict.jp
alias s=show
set x=1
statistics traffic on
ipv6 lan1 rtadv send 1
ipv6 lan2 dhcp service client
vlan lan1/1 802.1q vid=10
ospf use on
ip lan1 vrrp 1 192.168.1.1`
  .trim()
  .split('\n');

test.each(FORMS)('%s', (line) => {
  const { errors } = parseYamaha(line);
  for (const { message } of errors) expect(message).toMatch(/(?:is|are) known but not built/);
});
