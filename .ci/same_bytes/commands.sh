# Every command with each of its options, and every kind of mistake: one case a line, run in a shell
# of its own, in a directory of its own that holds the inputs. Headings name the cases.

## help
grc-fast
grc-fast --help
grc-fast --version
python -m grc_fast --version
grc-fast score --help
grc-fast explain --help
grc-fast behaviour --help
grc-fast value --help
grc-fast response --help
grc-fast demo --help
grc-fast bench --help
grc-fast combine --help

## usage
grc-fast bake
grc-fast --colour
grc-fast score
grc-fast score sales.csv
grc-fast score sales.csv -o a.csv --colour red
grc-fast score sales.csv -o a.csv --ties both
grc-fast score sales.csv -o a.csv --edges square
grc-fast score sales.csv -o a.csv --frequency often
grc-fast score sales.csv -o a.csv --monetary much
grc-fast score sales.csv -o a.csv --returns never
grc-fast score sales.csv -o a.csv --lang de
grc-fast score sales.csv -o a.csv --bins many
grc-fast score sales.csv -o a.csv --threads 0
grc-fast score sales.csv -o a.csv --threads 1025
grc-fast score sales.csv -o a.csv --model-in m.json --bins 4
grc-fast score sales.csv -o a.csv --model-in m.json --recency-window 2y
grc-fast explain sales.csv
grc-fast explain events.csv --rules rules.toml --id 7
grc-fast explain events.csv --rules rules.toml --id 7 --as-of 2026-05-01 --bins 3
grc-fast explain events.csv --rules rules.toml --id 7 --as-of 2026-05-01 --order ticket
grc-fast behaviour events.csv -o a.csv
grc-fast behaviour events.csv --rules rules.toml
grc-fast value sales.csv -o a.csv --model-in m.json --model-out n.json
grc-fast value sales.csv -o a.csv --model-in m.json --time-scaler 1
grc-fast value sales.csv -o a.csv --model-in m.json --model bgnbd
grc-fast value sales.csv -o a.csv --model-in m.json --holdout 6mo
grc-fast value sales.csv -o a.csv --report r.json
grc-fast value sales.csv -o a.csv --clients base.csv --holdout 6mo
grc-fast value sales.csv -o a.csv --discount much
grc-fast response sales.csv
grc-fast response small.csv mailings.csv -o a.csv --by group
grc-fast response small.csv mailings.csv -o a.csv --client card
grc-fast response small.csv mailings.csv -o a.csv --overlap none
grc-fast bench --scale 0
grc-fast bench --rounds 0

## score-formats
grc-fast score sales.csv -o s.parquet --order ticket --as-of 2026-11-01
grc-fast score sales.csv --output s.csv --order ticket --as-of 2026-11-01
grc-fast score sales.csv -o s.ndjson --order ticket --as-of 2026-11-01
grc-fast score sales.csv -o s.jsonl --order ticket --as-of 2026-11-01 -q
grc-fast score sales.csv -o s.arrow --order ticket --as-of 2026-11-01
grc-fast score sales.csv -o s.ipc --order ticket --as-of 2026-11-01 --quiet
grc-fast score sales.csv -o s.feather --order ticket --as-of 2026-11-01 -q
grc-fast score sales.csv -o s.xlsx --order ticket --as-of 2026-11-01
grc-fast score sales.csv -o - --order ticket --as-of 2026-11-01
grc-fast score sales.csv -o - --order ticket --as-of 2026-11-01 -q | head -n 3
grc-fast score formulas.csv -o s.xlsx
grc-fast score formulas.csv -o s.csv
grc-fast score large_ids.csv -o s.xlsx
grc-fast score large_ids.csv -o -
terminal 'grc-fast score sales.csv -o s.csv --order ticket --as-of 2026-11-01'
terminal 'grc-fast explain sales.csv --id 7 --as-of 2026-11-01'

## score-sources
grc-fast score sales.csv -o -
grc-fast score sales.tsv -o -
grc-fast score sales.ndjson -o -
grc-fast score sales.parquet -o -
grc-fast score sales.arrow -o -
grc-fast score decimal.parquet -o - --order ticket
grc-fast score decimal.parquet -o s.parquet --order ticket
grc-fast score categories.parquet -o - --order ticket,store
grc-fast score zeros.parquet -o -
grc-fast score parts -o -
grc-fast score 'parts/*.csv' -o -
grc-fast score 'parts/**/*.csv' -o -
grc-fast score parts/0.csv parts/1.csv parts/deep -o -
grc-fast score parts/0.csv parts/0.csv -o -
grc-fast score hive -o - --where "store = 'A'"
grc-fast score lines.ndjson -o -
grc-fast score commas.csv -o -
grc-fast score zoned.csv -o -
grc-fast score zoned.csv -o - --timezone America/New_York --money-scale 6
grc-fast score zoned.parquet -o - --timezone Asia/Tokyo
grc-fast score small.csv -o -
grc-fast score "file://$PWD/small.csv" -o -
grc-fast score old.csv -o s.xlsx
cp sales.csv 'odd [name].csv' && grc-fast score 'odd [name].csv' -o -

## score-roles
grc-fast score cards.csv -o - --client card --date day --amount net --order slip
grc-fast score cards.csv -o s.csv --client card --date day --amount net --order slip,till
grc-fast score cards.csv -o s.csv --client card --date day --amount net --order slip --order till
grc-fast score cards.csv -o - --client card --date day --amount net --clients card_base.csv
grc-fast score sales.csv -o - --amount 'quantity * price' --where "store = 'B' AND quantity > 1"
grc-fast score sales.csv -o - --where "date >= '2026-01-01'" --as-of 2026-11-01
grc-fast score sales.csv -o - --where 'margin IS NOT NULL' --money-scale 1
grc-fast score sales.csv -o s.parquet --clients base.csv --order ticket --as-of 2026-11-01
grc-fast score sales.csv -o s.csv --clients base.csv --recency-window 6mo --as-of 2026-11-01
grc-fast score sales.csv -o s.csv --clients base.csv --lang fr --quality q.json

## score-options
grc-fast score sales.csv -o - --bins 3 --groups 4 --order ticket
grc-fast score sales.csv -o - --bins 12 --groups 3
grc-fast score sales.csv -o - --ties split
grc-fast score sales.csv -o - --ties together --edges inverted_cdf
grc-fast score sales.csv -o - --edges linear --bins 7
grc-fast score sales.csv -o - --recency-bands 3w,2mo,6mo,1y
grc-fast score sales.csv -o - --recency-bands 10d,1q --recency-window 2y --as-of 2026-03-31
grc-fast score sales.csv -o - --frequency lines --monetary mean_basket --order ticket
grc-fast score sales.csv -o - --frequency active_days --monetary last_basket --order ticket
grc-fast score sales.csv -o - --frequency mean_gap --monetary max_basket --order ticket
grc-fast score sales.csv -o - --frequency orders --monetary total --monetary max_basket
grc-fast score sales.csv -o - --frequency-window 12mo --monetary-window 24mo --as-of 2026-10-31
grc-fast score sales.csv -o - --returns drop --frequency mean_gap
grc-fast score sales.csv -o - --returns keep --order ticket
grc-fast score sales.csv -o s.csv --returns drop --quality q.json
grc-fast score sales.csv -o s.csv --segments classic --lang en
grc-fast score sales.csv -o s.csv --segments response --lang fr
grc-fast score sales.csv -o s.parquet --segments segments.toml --lang fr --model-out m.json
grc-fast score sales.csv -o s.csv --segments segments.toml --bins 4 --model-out m.json
grc-fast score sales.csv -o s.csv --order ticket --threads 1 --model-out m.json --quality q.json
grc-fast score sales.csv -o s.csv --order ticket --threads 2 --model-out m.json --quality q.json

## score-models
grc-fast score sales.csv -o a.csv --order ticket --as-of 2026-08-01 --model-out m.json \
    && grc-fast score sales.csv -o b.csv --order ticket --as-of 2026-11-01 --model-in m.json
grc-fast score sales.csv -o a.csv --ties split --returns keep --model-out m.json -q \
    && grc-fast score sales.csv -o b.csv --model-in m.json --model-out n.json --lang fr
grc-fast score sales.csv -o a.csv --edges linear --recency-bands 1mo,3mo --model-out m.json -q \
    && grc-fast score sales.tsv -o b.csv --model-in m.json --threads 2 --as-of 2026-11-01
grc-fast score sales.csv -o a.csv --segments segments.toml --frequency mean_gap --model-out m.json -q \
    && rm segments.toml && grc-fast score sales.csv -o b.csv --model-in m.json --clients base.csv
grc-fast score small.csv -o a.csv -q && grc-fast score sales.csv -o a.csv -q

## explain
grc-fast explain sales.csv --id 7 --order ticket --as-of 2026-11-01
grc-fast explain sales.csv --id 7 --order ticket --as-of 2026-11-01 --json
grc-fast explain sales.csv --id 12 --lang fr --recency-bands 3w,2mo,6mo,1y --monetary mean_basket
grc-fast explain sales.csv --id 12 --lang fr --json --frequency mean_gap --quiet
grc-fast explain sales.csv --id 30 --ties split --bins 4 --groups 3 --segments response --threads 1
grc-fast explain sales.csv --id 30 --edges linear --segments segments.toml --returns drop
grc-fast explain sales.csv --id 2 --clients base.csv --recency-window 1mo --as-of 2026-06-30
grc-fast explain sales.csv --id 219 --clients base.csv --json
grc-fast explain sales.csv --id 5 --where "store = 'A'" --amount 'quantity * price' --money-scale 2
grc-fast explain sales.csv --id 5 --frequency lines --frequency-window 1y --monetary-window 1y -q
grc-fast explain cards.csv --id 00007 --client card --date day --amount net --order slip --timezone UTC
grc-fast explain cards.csv --id 7 --client card --date day --amount net
grc-fast score sales.csv -o s.csv --model-out m.json -q \
    && grc-fast explain sales.csv --id 9 --model-in m.json --lang fr --as-of 2026-11-20
grc-fast explain events.csv --rules rules.toml --id 7 --as-of 2026-05-01
grc-fast explain events.csv --rules plain.toml --id 11 --as-of 2026-03-15T12:00 --json
grc-fast explain events.csv --rules course --id 3 --as-of 2026-05-01 --where "kind <> 'click'" -q
grc-fast explain named_events.csv --rules linear.toml --id 7 --as-of 2026-05-01 --client user \
    --timestamp at --kind what --page url --dwell seconds --clicks hits --channel medium \
    --event-id key --machine-open robot --threads 2
terminal 'grc-fast explain events.csv --rules rules.toml --id 7 --as-of 2026-05-01'

## behaviour
grc-fast behaviour events.csv --rules rules.toml -o s.parquet
grc-fast behaviour events.csv --rules rules.toml -o s.csv --as-of 2026-05-01 --lang fr
grc-fast behaviour events.csv --rules rules.toml -o s.xlsx --as-of 2026-05-01T06:30:00
grc-fast behaviour events.csv --rules linear.toml -o s.ndjson --as-of 2026-04-01
grc-fast behaviour events.csv --rules window.toml -o s.arrow --as-of 2026-04-01
grc-fast behaviour events.csv --rules plain.toml -o - --as-of 2026-04-01
grc-fast behaviour events.csv --rules course --output - --as-of 2026-04-01 --quiet
grc-fast behaviour events.ndjson --rules rules.toml -o - --as-of 2026-04-01
grc-fast behaviour events.parquet --rules rules.toml -o - --as-of 2026-04-01
grc-fast behaviour --print-preset course
grc-fast behaviour events.csv --rules rules.toml -o s.csv --ledger l.csv --quality q.json
grc-fast behaviour events.csv --rules linear.toml -o s.csv --ledger l.parquet --threads 1
grc-fast behaviour events.csv --rules plain.toml -o s.csv --ledger l.ndjson --memory 1B --threads 2
grc-fast behaviour events.csv --rules rules.toml -o s.csv --memory 64KB --quality q.json
grc-fast behaviour events.csv --rules rules.toml -o - --where "channel = 'web'" --timezone UTC
grc-fast behaviour zoned_events.csv --rules plain.toml -o - --timezone Asia/Tokyo
grc-fast behaviour zoned_events.parquet --rules plain.toml -o - --timezone Europe/Paris
grc-fast behaviour first_events.csv events.csv --rules rules.toml -o - --as-of 2026-05-01
grc-fast behaviour named_events.csv --rules rules.toml -o - --client user --timestamp at --kind what \
    --page url --dwell seconds --clicks hits --channel medium --event-id key --machine-open robot
grc-fast behaviour first_events.csv --rules rules.toml --as-of 2026-03-09T23:00 --state-out st.parquet \
    -o a.csv && grc-fast behaviour events.csv --rules rules.toml --as-of 2026-05-01 --ledger l.csv \
    --state-in st.parquet --state-out st.parquet -o b.csv
grc-fast behaviour first_events.csv --rules plain.toml --as-of 2026-03-09 --state-out st.parquet -o a.csv \
    -q && grc-fast behaviour events.csv --rules plain.toml --state-in st.parquet -o b.csv --ledger l.csv
grc-fast behaviour first_events.csv --rules plain.toml --state-out st.parquet -o a.csv -q \
    && grc-fast behaviour events.csv --rules rules.toml --state-in st.parquet -o b.csv
terminal 'grc-fast behaviour events.csv --rules rules.toml -o s.csv'

## value
grc-fast value sales.csv -o v.parquet --as-of 2026-11-01
grc-fast value sales.csv -o v.csv --as-of 2026-11-01 --order ticket --margin 0.25 --quality q.json
grc-fast value sales.csv -o v.xlsx --horizons 1mo,1y --discount 0.1 --margin margin
grc-fast value sales.csv --output - --horizons 90d --margin 'quantity * price * 0.4' --quiet
grc-fast value sales.csv -o v.ndjson --model bgnbd --time-scaler 1 --model-out m.json
grc-fast value sales.csv -o - --returns drop --where "store = 'A'" --money-scale 2 --threads 1
grc-fast value sales.csv -o - --returns keep --clients base.csv --threads 2
grc-fast value cards.csv -o - --client card --date day --amount net --timezone UTC
grc-fast value sales.csv -o v.csv --as-of 2026-08-01 --model-out m.json && grc-fast value sales.csv \
    -o w.csv --as-of 2026-11-01 --model-in m.json --discount 0.05
grc-fast value sales.csv -o v.csv --as-of 2026-11-01 --holdout 6mo --report r.json --model-out m.json
grc-fast value sales.csv -o v.csv --as-of 2026-11-01 --holdout 90d --report r.svg --model bgnbd
grc-fast value sales.csv -o - --as-of 2026-11-01 --holdout 1y --report r.png --margin 0.1
terminal 'grc-fast value sales.csv -o v.csv --as-of 2026-11-01 --holdout 6mo'

## response
grc-fast score sales.csv -o s.csv -q && grc-fast response s.csv campaigns.csv -o r.csv
grc-fast score sales.csv -o s.parquet -q && grc-fast response s.parquet campaigns.parquet -o r.parquet \
    --cost 0.55 --margin 40 --report r.json
grc-fast score sales.csv -o s.csv -q && grc-fast response s.csv uncontrolled.csv -o r.xlsx --report r.svg
grc-fast score sales.csv -o s.csv -q && grc-fast response s.csv uncontrolled.csv -o - --report r.png \
    --cost 2 --margin 10
grc-fast score sales.csv -o s.csv -q --bins 12 && grc-fast response s.csv campaigns.csv -o r.ndjson
grc-fast score sales.csv -o s.csv -q && for by in cell group segment; do grc-fast response s.csv \
    uncontrolled.csv -o $by.csv --calibrate s.csv --by $by; done
grc-fast response sales.csv campaigns.csv -o r.csv --from-sales --order ticket --money-scale 2 \
    --where 'quantity > 0' --threads 1 --timezone UTC
grc-fast response cards.csv campaigns.csv -o r.csv --from-sales --client card --date day --amount net
grc-fast response cards.csv card_campaigns.csv --output r.csv --from-sales --client card --date day \
    --amount net
grc-fast score sales.csv -o s.csv -q && for overlap in last first all; do grc-fast response s.csv \
    mailings.csv -o $overlap.csv --responses unnamed_answers.csv --window 120d --overlap $overlap; done
grc-fast score sales.csv -o s.csv -q && grc-fast response s.csv mailings.csv -o r.csv --threads 2 \
    --responses named_answers.csv --window 1mo --quiet
grc-fast response sales.csv mailings.csv -o r.csv --from-sales --responses answers.csv --window 30d
terminal 'grc-fast response sales.csv campaigns.csv -o r.csv --from-sales --cost 1 --margin 20'

## demo
grc-fast demo --output-dir d
grc-fast demo -o d --lang fr --threads 2 --quiet

## wrong-sources
grc-fast score absent.parquet -o -; grc-fast score absent/sales.csv -o -
grc-fast score sale.csv -o -
grc-fast score 'absent-*.csv' -o -
mkdir void && grc-fast score void -o -
grc-fast score sales.csv sales.tsv sales.ndjson -o -
grc-fast score postgresql://me:secret@host/db -o -
mkdir formats && cp sales.csv sales.ndjson formats && grc-fast score formats -o -
head -c 400 sales.parquet > cut.parquet && grc-fast score cut.parquet -o -
for bad in empty header short long quote amount thousands huge date someday twice latin wide sheet; do \
    grc-fast score $bad.csv -o -; done
for bad in cut.ndjson list.ndjson date.ndjson latin.ndjson none.parquet notes.doc lines.csv; do \
    grc-fast score $bad -o -; done
grc-fast score text_amounts.parquet -o -; grc-fast score fractions.parquet -o -
grc-fast score lists.parquet -o -; grc-fast score parts sales.parquet -o -
ln -s nowhere gone.csv; grc-fast score gone.csv -o -; grc-fast score small.csv -o - --clients absent.csv
grc-fast score sales.csv -o - --clients segments.toml; grc-fast score sales.csv -o - --clients cards.csv

## wrong-roles
grc-fast score sales.csv -o - --client clientid; grc-fast score sales.csv -o - --client margin
grc-fast score sales.csv -o - --date dates; grc-fast score sales.csv -o - --date store
grc-fast score sales.csv -o - --amount amuont; grc-fast score sales.csv -o - --amount store
grc-fast score sales.csv -o - --order tickets; grc-fast score sales.csv -o - --order ,
grc-fast score sales.csv -o - --amount 'amount * * 2'; grc-fast score sales.csv -o - --amount 'SUM(amount)'
grc-fast score sales.csv -o - --amount 'amount * rate'; grc-fast score sales.csv -o - --amount 'amount > 2'
grc-fast score sales.csv -o - --where 'amount >'; grc-fast score sales.csv -o - --where 'shop = 1'
grc-fast score sales.csv -o - --where amount; grc-fast score small.csv -o - --where 'amount > 100'

## wrong-options
grc-fast score sales.csv -o - --as-of yesterday; grc-fast score sales.csv -o - --as-of 2020-01-01
grc-fast score sales.csv -o - --recency-bands 3m; grc-fast score sales.csv -o - --recency-bands 6mo,3w
grc-fast score sales.csv -o - --frequency-window year; grc-fast score sales.csv -o - --recency-window 0d
grc-fast score sales.csv -o - --bins 1; grc-fast score sales.csv -o - --groups 101
grc-fast score sales.csv -o - --ties split --edges linear; grc-fast score sales.csv -o - --money-scale 99
grc-fast score sales.csv -o - --timezone Mars/Phobos; grc-fast score zoned.parquet -o - --timezone Mars
grc-fast score sales.csv -o - --segments clasic; grc-fast score sales.csv -o - --segments absent.toml
for bad in unreachable uncovered reversed near_key no_toml rules; do \
    grc-fast score sales.csv -o - --segments $bad.toml; done
grc-fast score sales.csv -o - --segments half_french.toml --lang fr
for bad in none broken newer newer_value absent; do grc-fast score sales.csv -o - --model-in $bad.json; \
    grc-fast value sales.csv -o - --model-in $bad.json; done
grc-fast score sales.csv -o s.csv --ties split --model-out m.json -q \
    && grc-fast score cards.csv -o - --client card --date day --amount net --model-in m.json
grc-fast score sales.csv -o s.csv --model-out m.json -q && sed 's/"clients": .*,/"clients": "x",/' \
    m.json > n.json; grc-fast score sales.csv -o - --model-in n.json
grc-fast explain sales.csv --id 999; grc-fast explain sales.csv --id nobody

## wrong-outputs
grc-fast score sales.csv -o s.txt; grc-fast score sales.csv -o s
grc-fast score sales.csv -o absent/s.csv; grc-fast score sales.csv -o .
grc-fast score sales.csv -o sales.csv; ln -s sales.csv link.csv; grc-fast score sales.csv -o link.csv
grc-fast score parts -o parts/s.csv; grc-fast score '*.csv' -o s.csv
grc-fast score sales.csv -o s.csv --model-out s.csv; grc-fast score sales.csv -o s.csv --quality sales.csv
grc-fast score sales.csv -o base.csv --clients base.csv; grc-fast score sales.csv -o - --model-out -
grc-fast score sales.csv -o s.csv --model-out /dev/full; grc-fast score sales.csv -o - > /dev/full
grc-fast behaviour events.csv --rules rules.toml -o events.csv
grc-fast behaviour events.csv --rules rules.toml -o s.csv --ledger l.doc
grc-fast value sales.csv -o v.csv --holdout 6mo --report r.pdf
grc-fast response small.csv mailings.csv -o r.csv --report r.html
touch file && grc-fast demo -o file; grc-fast bench -o file

## wrong-behaviour
for bad in rule_key rule_value rule_kind no_rules no_toml absent; do \
    grc-fast behaviour events.csv --rules $bad.toml -o -; done
grc-fast behaviour events.csv --rules curse -o -; grc-fast behaviour --print-preset curse
grc-fast behaviour events.csv --rules rules.toml -o - --as-of soon
grc-fast behaviour events.csv --rules rules.toml -o - --memory much
grc-fast behaviour events.csv --rules rules.toml -o - --kind knid --page pages
grc-fast behaviour events.csv --rules rules.toml -o - --state-in rules.toml
grc-fast behaviour events.csv --rules rules.toml -o - --as-of 2025-01-01
for bad in dwell instant header; do grc-fast behaviour $bad.csv --rules rules.toml -o -; done
TMPDIR=/no/such/directory grc-fast behaviour events.csv --rules rules.toml -o - --memory 1B
grc-fast explain events.csv --rules rules.toml --id nobody --as-of 2026-05-01

## wrong-value
grc-fast value small.csv -o -; grc-fast value sales.csv -o - --horizons soon
grc-fast value sales.csv -o - --margin 1.5; grc-fast value sales.csv -o - --margin marign
grc-fast value sales.csv -o - --margin price --holdout 6mo; grc-fast value sales.csv -o - --discount -1
grc-fast value sales.csv -o - --time-scaler 0; grc-fast value sales.csv -o - --holdout 9y
grc-fast value sales.csv -o - --margin quantity; grc-fast value sales.csv -o - --horizons ''

## wrong-response
grc-fast response small.csv mailings.csv -o -; grc-fast response absent.csv mailings.csv -o -
grc-fast response sales.csv nulls.csv -o - --from-sales
grc-fast response sales.csv both_arms.csv -o - --from-sales
grc-fast response sales.csv mailings.csv -o - --from-sales
grc-fast response sales.csv mailings.csv -o - --from-sales --responses answers.csv
grc-fast response sales.csv campaigns.csv -o - --from-sales --window 30d
grc-fast response sales.csv campaigns.csv -o - --from-sales --overlap first
grc-fast response sales.csv mailings.csv -o - --from-sales --responses answers.csv --window 30d --overlap all
grc-fast response sales.csv mailings.csv -o - --from-sales --responses answers.csv --window long
grc-fast response sales.csv campaigns.csv -o - --from-sales --cost 1
grc-fast response sales.csv campaigns.csv -o - --from-sales --cost 0 --margin 5
grc-fast score sales.csv -o s.csv -q --lang fr && grc-fast score sales.csv -o t.csv -q \
    && grc-fast response s.csv campaigns.csv -o - --calibrate t.csv --by segment
