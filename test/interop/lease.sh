#!/bin/sh
# A host that takes what DHCP gives it: address and way out, as udhcpc tells it.
case $1 in
  bound | renew)
    ip address replace "$ip/$mask" dev "$interface"
    ip route replace default via "$router"
    ;;
esac
