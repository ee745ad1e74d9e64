//! The help texts, so that a change of the interface is seen in review.

#[test]
fn help_texts() {
    let mut definition = rolecall::cli::definition().term_width(100);
    let mut text = definition.render_long_help().to_string();
    let names: Vec<String> = definition.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    assert!(names.len() >= 8, "{names:?}");
    definition.build();
    for name in names {
        let command = definition.find_subcommand_mut(&name).unwrap();
        text.push_str(&format!("\n--- rolecall {name}\n\n"));
        text.push_str(&command.render_long_help().to_string());
        for inner in command.get_subcommands_mut().filter(|c| c.get_name() != "help") {
            text.push_str(&format!("\n--- rolecall {name} {}\n\n", inner.get_name()));
            text.push_str(&inner.render_long_help().to_string());
        }
    }
    insta::assert_snapshot!("help", text);
}
