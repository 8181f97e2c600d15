#!/usr/bin/env bash
# Prints the Secrets of deploy/k8s as YAML, out of a folder that `stellwerk provision --make-secrets`
# has filled, and what you have added to it: `database/admin.url`, the administrator's address of the
# database; for the router `providers/<name>.key`; for watch `watch-channels`; for the redactor
# `dictionaries/<tenant>/persons.txt` and so on.
#
#   deploy/k8s/secrets.sh secrets stellwerk-rw.postgres.svc:5432/stellwerk | kubectl apply -f -
#
# The second argument is the database as the services reach it. What is printed opens everything:
# pipe it, or encrypt it with what your house uses; do not keep it as it is.
set -eu -o pipefail
shopt -s nullglob
folder=$1
database=$2

# name, then pairs of a key and a file
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: stellwerk\n' "$1"
  printf 'data:\n'
  shift
  while [ $# -gt 0 ]; do
    printf '  %s: %s\n' "$1" "$(base64 -w 0 "$2")"
    shift 2
  done
}

address_of() {
  printf 'postgresql://sw_%s:%s@%s' "$1" "$(cat "$folder/database/$1.password")" "$database"
}

services="gateway redactor router billing audit evals watch console"
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
passwords=()
for service in $services; do
  address_of "$service" > "$scratch/$service"
  own=(nats.seed "$folder/bus/$service.seed" "SW_${service^^}_DATABASE_URL" "$scratch/$service")
  case $service in
    redactor) own+=(master.key "$folder/keys/redactor-master.key") ;;
    console) own+=(session.key "$folder/keys/console-session.key") ;;
    # Keys of model providers, for `key_file: /run/secrets/<name>.key` in models.yaml.
    router) for key in "$folder"/providers/*.key; do own+=("${key##*/}" "$key"); done ;;
    # One address a line, each with what opens it.
    watch) if [ -f "$folder/watch-channels" ]; then own+=(channels "$folder/watch-channels"); fi ;;
  esac
  secret "$service" "${own[@]}"
  passwords+=("$service.password" "$folder/database/$service.password")
done
# Names of customers are clear data: they lie in a Secret, never in a ConfigMap.
for tenant in "$folder"/dictionaries/*/; do
  lists=()
  for list in "$tenant"*.txt; do lists+=("${list##*/}" "$list"); done
  if [ ${#lists[@]} -gt 0 ]; then secret "dictionaries-$(basename "$tenant")" "${lists[@]}"; fi
done
secret provision provision.seed "$folder/bus/provision.seed" \
  admin.url "$folder/database/admin.url" "${passwords[@]}"
