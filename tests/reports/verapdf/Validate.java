import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Validates files by veraPDF: java -cp JARS Validate.java 3a,ua1 FILE... Prints one line a file and flavour, and what fails. */
public class Validate {
    public static void main(String[] words) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        boolean well = true;
        for (int at = 1; at < words.length; at++) {
            for (String name : words[0].split(",")) {
                PDFAFlavour flavour = PDFAFlavour.fromString(name);
                try (InputStream file = Files.newInputStream(Path.of(words[at]));
                        PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour)) {
                    PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false);
                    ValidationResult result = validator.validate(parser);
                    System.out.println(words[at] + " " + name + " " + (result.isCompliant() ? "passes" : "FAILS")
                        + " " + result.getTotalAssertions() + " assertions");
                    for (TestAssertion failed : result.getTestAssertions()) {
                        System.out.println("  " + failed.getRuleId().getClause() + " " + failed.getMessage());
                    }
                    well &= result.isCompliant();
                }
            }
        }
        System.exit(well ? 0 : 1);
    }
}
