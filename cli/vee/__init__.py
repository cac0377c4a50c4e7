"""`kvarn vee`: interval data of a file validated, filled and told; how well; and the rule sets that it goes by.

app, command     the commands, and the one on a file
source, csv_file, formats, layout, names, cells, stamps    a file to readings
known            files of facts beside it
limits           which limits and rules hold
run              series by series: judged and filled
show, write, write_nem12    what is told, and what is written
lint, cases, apply    rule sets checked, tested, put in force
accuracy, accuracy_input, accuracy_report, detection, planted, scores    how well all this does
"""
