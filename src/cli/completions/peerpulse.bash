# Completion of peerpulse for bash. Installed as bash-completion/completions/peerpulse; to be sourced elsewhere.

_peerpulse_peers() {
  peerpulse peers 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_peerpulse() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  local ask="--admin --config --json --help" words=
  case $previous in
    --config|--token-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --root) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --admin|--since|--ttl|--why|--interval|--count|--store-pid|--nodes|--self|--port) COMPREPLY=(); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="run check status peers events diagnose doctor top override recipe --help --version"
  else
    case $command in
      run|check) words="--config --help" ;;
      status) words=$ask ;;
      peers) words=$ask ;;
      events) words="--follow --since $ask" ;;
      diagnose) words=$ask ;;
      doctor) words="--store-pid --all $ask" ;;
      top) words="--interval --count $ask" ;;
      override) words="--ttl --why --token-file $ask" ;;
      recipe) words="--nodes --self --port --admin --root --apply --undo --verify --help" ;;
    esac
    if [[ $word != -* ]]; then
      case $command:$COMP_CWORD in
        peers:2|diagnose:2|override:2) words=$(_peerpulse_peers) ;;
        override:3) words="open closed auto" ;;
        recipe:2) words="rustfs minio swift" ;;
      esac
    fi
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _peerpulse peerpulse
