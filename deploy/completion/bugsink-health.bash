# Completion of bugsink-health for bash.

# The words that stand for a flag's value, or a word that says what kind of value it is: "file", "any"; nothing
# for a flag without one. Arguments: command, flag.
_bugsink_health_value() {
    case $1:$2 in
    *:--config | *:--settings | *:--maintenance) echo file ;;
    *:--log-level) echo debug info warning error ;;
    *:--log-format) echo text json ;;
    *:--sandbox) echo on off ;;
    wait:--for) echo ready start ;;
    check:--output) echo json table ;;
    *:--quiet | *:--verbose | check:--json | explain:--markdown | *:--help | *:--version) ;;
    check:--watch) ;; # its value is behind a = or nowhere
    *:--*) echo any ;;
    esac
}

# The flags of a command. Argument: command.
_bugsink_health_flags() {
    case $1 in
    help | version) return ;;
    explain)
        echo --markdown --help --version
        return
        ;;
    check) echo --json --output --quiet --verbose --watch ;;
    wait) echo --for --quiet --verbose ;;
    probe) echo --quiet ;;
    esac
    echo --config --listen --app-url --settings --interval --timeout --retry-interval --slow --reconnect \
        --fall --start-grace --drain --log-level --log-format --maintenance --sandbox --help --version
}

# The words of a command besides its flags. Arguments: program, command ("" before there is one).
_bugsink_health_words() {
    case $2 in
    "") echo serve check wait probe config explain help version ;;
    help) echo serve check wait probe config explain options ;;
    probe) echo live ready started self ;;
    explain) "$1" explain 2>/dev/null | while read -r code _; do echo "$code"; done ;;
    esac
}

_bugsink_health() {
    local current=${COMP_WORDS[COMP_CWORD]} flag="" command="" word kind i
    COMPREPLY=()

    # Readline splits --flag=value into three words.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == "=" && ${COMP_WORDS[i - 1]} == --* ]]; then
            flag=${COMP_WORDS[i - 1]}
        elif [[ -n $flag ]]; then
            flag=""
        elif [[ $word == --* ]]; then
            kind=$(_bugsink_health_value "${command:-serve}" "$word")
            flag=${kind:+$word}
        elif [[ -z $command ]]; then
            command=$word
        fi
    done
    if [[ $current == "=" && ${COMP_WORDS[COMP_CWORD - 1]} == --* ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 1]}
        current=""
    fi

    if [[ -n $flag ]]; then
        kind=$(_bugsink_health_value "${command:-serve}" "$flag")
        case $kind in
        file)
            compopt -o filenames 2>/dev/null # outside of a completion there are no options
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            ;;
        "" | any) ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
        esac
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_bugsink_health_flags "${command:-serve}")" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(_bugsink_health_words "${COMP_WORDS[0]}" "$command")" -- "$current")
    fi
}

complete -F _bugsink_health bugsink-health
